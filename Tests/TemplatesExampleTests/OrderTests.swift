import HTTPTypes
import Logging
import SquallTesting
import Testing

@testable import TemplatesExample

@Suite struct OrderTests {
    /// Fills in the form and sends it.
    private func order(
        _ client: TestClient, name: String = "Ann", email: String = "ann@example.org", copies: String = "2",
        note: String = ""
    ) async throws -> TestResponse {
        let form = try await client.get("/maps/cuillin/order")
        return try await client.post(
            "/maps/cuillin/order",
            form: [
                "_xsrf": try token(in: form), "name": name, "email": email, "copies": copies, "finish": "rolled",
                "note": note,
            ])
    }

    @Test func `the form begins without errors`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/maps/cuillin/order")
            #expect(page.status == .ok)
            #expect(!page.text.contains("role=\"alert\"") && !page.text.contains("aria-invalid=\"true\""))
            #expect(page.text.contains("<label for=\"copies\">Copies, at €\u{a0}12.90</label>"))
            #expect(page.text.contains("value=\"folded\" checked>"))
        }
    }

    @Test func `a form with errors is shown again, with what was typed`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await order(client, name: " ", email: "ann", copies: "99")
            #expect(page.status.code == 422)
            #expect(page.text.contains("<title>Not quite yet"))
            #expect(page.text.contains("3 things are not right yet."))
            #expect(page.text.count(of: "aria-invalid=\"true\"") == 3)
            #expect(page.text.contains("<p class=\"error\" id=\"name-error\">Whom shall we send it to?</p>"))
            #expect(page.text.contains("value=\"ann\"\naria-invalid=\"true\" aria-describedby=\"email-error\">"))
            #expect(page.text.contains("<p class=\"error\" id=\"copies-error\">Between 1 and 20, please.</p>"))
            #expect(page.text.contains("<p class=\"error\" id=\"note-error\"></p>"))
            #expect(page.text.contains("value=\"rolled\" checked>"))
            #expect(client.cookies["flash"] == nil)
        }
    }

    @Test func `what was typed is text when it is shown again`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await order(
                client, name: "\"><script>alert(1)</script>", copies: "0",
                note: "</textarea><img src=x onerror=alert(1)>")
            #expect(page.text.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""))
            #expect(page.text.contains(">&lt;/textarea&gt;&lt;img src=x onerror=alert(1)&gt;</textarea>"))
            #expect(!page.text.contains("<script>") && !page.text.contains("<img src=x"))
        }
    }

    @Test func `an order is confirmed on the next page, once`() async throws {
        try await withApplication(try shop()) { client in
            let answer = try await order(client, name: "Ann <3")
            #expect(answer.status == .seeOther)
            #expect(answer["location"] == "/maps/cuillin")
            let page = try await client.get("/maps/cuillin")
            #expect(
                page.text.contains(
                    "<p class=\"flash\" role=\"status\">Thank you, Ann &lt;3. Your order has the number 1001.</p>"))
            #expect(!(try await client.get("/maps/cuillin").text.contains("class=\"flash\"")))
        }
    }

    @Test func `the mail is plain text, with the total`() async throws {
        try await withApplication(try shop()) { client in
            try await client.expectLog("this would be sent to ann@example.org:") {
                _ = try await order(client, note: "R & D <2nd floor>")
            }
            let mail = try #require(client.log.messages(at: .info).first { $0.contains("Dear Ann,\n\n") })
            #expect(mail.contains("  2 × The Cuillin, rolled\n  €\u{a0}25.80 in all\n\nOn the label"))
            #expect(mail.hasSuffix("On the label will be: R & D <2nd floor>\n\nContour & Co.\n"))
        }
    }

    @Test func `an order that does not come from the form is refused`() async throws {
        try await withApplication(try shop()) { client in
            let answer = try await client.post("/maps/cuillin/order", form: ["name": "Mallory"])
            #expect(answer.status == .forbidden)
        }
    }
}
