import Foundation
import Squall

/// A small shop for maps, to show templates.
///
///     templates-example [--port N] [--host ADDRESS] [--develop]
///
/// To change templates and see it when a page is loaded again: `swift run templates-example --develop`.
@main struct TemplatesExample {
    static func main() async {
        let options = Options(CommandLine.arguments.dropFirst())
        var settings = Application.Settings()
        settings.isDevelopment = options.isDevelopment
        // Where there is no secret, one that lasts until the program ends: orders that were begun before must be begun again.
        let secret = ProcessInfo.processInfo.environment["COOKIE_SECRET"]
        settings.cookieSecret = CookieSecret(secret ?? randomSecret())
        do {
            try await site(settings).run(port: options.port, host: options.host)
        } catch {
            stop("templates-example: \(error)", status: 1)
        }
    }

    static func randomSecret() -> String {
        (0..<4).map { _ in String(UInt64.random(in: 0 ... .max), radix: 16) }.joined()
    }
}

/// The application: what the program serves, and what its tests do.
func site(_ settings: Application.Settings) throws -> Application {
    let shop = Shop()
    var settings = settings
    settings.errorHandler = { ShopHandler(shop) }
    return try Application(settings: settings) {
        Route("/") { CatalogueHandler(shop) }
        Route("/maps/{id}", name: "sheet") { SheetHandler(shop) }
        Route("/maps/{id}/cover.svg", name: "cover") { CoverHandler(shop) }
        Route("/maps/{id}/order", name: "order") { OrderHandler(shop) }
        StaticFiles("/static", root: publicFolder)
    }
}

/// Copied beside the program by the build, wherever it is run from.
private let publicFolder = Bundle.module.bundlePath + "/Public"
