import Foundation

/// What the command line says.
struct Options {
    var port = 8889
    var host = "127.0.0.1"
    /// Changed text of a template is seen when the page is loaded again, and errors tell what is known of them.
    var isDevelopment = false

    init(_ arguments: ArraySlice<String>) {
        var arguments = arguments
        while let option = arguments.popFirst() {
            switch option {
            case "--develop": isDevelopment = true
            case "--port":
                guard let port = arguments.popFirst().flatMap(UInt16.init) else { stop(Self.usage, status: 2) }
                self.port = Int(port)
            case "--host":
                guard let host = arguments.popFirst() else { stop(Self.usage, status: 2) }
                self.host = host
            case "--help": stop(Self.usage, status: 0)
            default: stop(Self.usage, status: 2)
            }
        }
    }

    static let usage =
        "usage: templates-example [--port N] [--host ADDRESS] [--develop]     (8889 and 127.0.0.1 unless told)"
}

/// Ends the program with a message.
func stop(_ message: String, status: Int32) -> Never {
    print(message)
    exit(status)
}
