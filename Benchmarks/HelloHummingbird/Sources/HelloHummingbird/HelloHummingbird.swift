import Foundation
import Hummingbird

@main
struct HelloHummingbird {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let port = arguments.firstIndex(of: "--port").flatMap { Int(arguments[$0 + 1]) } ?? 8080
        let work = Work.calibrated()

        let router = Router()
        router.get("/") { _, _ in "hello" }
        router.get("/block") { request, _ -> String in
            usleep(UInt32(milliseconds(of: request)) * 1000)
            return "done"
        }
        router.get("/cpu") { request, _ -> String in
            String(work.burn(milliseconds: milliseconds(of: request)))
        }

        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port)))
        try await application.runService()
    }

    static func milliseconds(of request: Request) -> Int {
        request.uri.queryParameters.get("ms", as: Int.self) ?? 0
    }
}
