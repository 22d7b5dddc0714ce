import Logging

/// The library's own logger, for what belongs to no request.
package let squallLogger = Logger(label: "squall")
