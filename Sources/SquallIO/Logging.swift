import Logging

/// The library's own logger, for what belongs to no request.
///
/// Made anew each time, which is rare: the application may set up its logging after the first use.
package var squallLogger: Logger { Logger(label: "squall") }
