import Squall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Block a handler on purpose and watch what it costs everybody else.
///
///     freeze-lab [--port N] [--host ADDRESS]
@main struct FreezeLab {
    static func main() async {
        let options = Options(CommandLine.arguments.dropFirst())
        do {
            let lab = try Application {
                Route("/hello", Hello.init)
                Route("/countdown/blocking", BlockingCountdown.init)
                Route("/countdown/async", AsyncCountdown.init)
                Route("/countdown/executor", ExecutorCountdown.init)
                Route("/cpu", Computation.init)
                Route("/file", FileReader.init)

                Route("/probe", Probe.init)
                Route("/", Lab.init)
                Route("/lab.css") { Asset(PackageResources.lab_css, "text/css; charset=UTF-8") }
                Route("/lab.js") { Asset(PackageResources.lab_js, "text/javascript; charset=UTF-8") }
                Route("/icon.svg") { Asset(PackageResources.icon_svg, "image/svg+xml") }
            }
            try await lab.run(port: options.port, host: options.host)
        } catch {
            stop("freeze-lab: \(error)", status: 1)
        }
    }
}

/// What the command line says.
struct Options {
    var port = 8888
    var host = "127.0.0.1"

    init(_ arguments: ArraySlice<String>) {
        var arguments = arguments
        while let option = arguments.popFirst() {
            switch (option, arguments.popFirst()) {
            case ("--port", let value?) where UInt16(value) != nil: port = Int(value) ?? port
            case ("--host", let value?): host = value
            case ("--help", _): stop(Self.usage, status: 0)
            default: stop(Self.usage, status: 2)
            }
        }
    }

    static let usage = "usage: freeze-lab [--port N] [--host ADDRESS]     (8888 and 127.0.0.1 unless told)"
}

/// Ends the program with a message.
func stop(_ message: String, status: Int32) -> Never {
    print(message)
    exit(status)
}
