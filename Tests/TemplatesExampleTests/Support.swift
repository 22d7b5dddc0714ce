import Squall
import SquallTesting

@testable import TemplatesExample

/// A shop of one's own: no other test orders in it.
func shop() throws -> Application {
    var settings = Application.Settings()
    settings.cookieSecret = "the tests have no secrets"
    return try site(settings)
}

/// The token in a page's form.
func token(in page: TestResponse) throws -> String {
    guard let match = page.text.firstMatch(of: /name="_xsrf" value="([^"]+)"/) else {
        throw MissingToken(page: page.text)
    }
    return String(match.1)
}

struct MissingToken: Error { var page: String }

extension String {
    /// How often a text is in it.
    func count(of text: String) -> Int { ranges(of: text).count }
}
