import Squall
import Testing

struct Report {
    var name: String
    var rows: [Row]

    struct Row {
        var id: Int
        var title: String
        var count: Int
        var isHidden = false
    }
}

struct Reports {
    var all: [Report] = []
    func find(_ id: Int) throws -> Report { Report(name: "Report \(id)", rows: []) }
    func today() async throws -> [Report] { all }
}

// snippet: template-handler
final class ReportHandler: RequestHandler {
    let reports: Reports
    init(reports: Reports) { self.reports = reports }

    override func get() async throws {
        let report = try reports.find(pathArgument("id", as: Int.self))
        try await render(ReportPage(report: report))
    }
}
// end

private func routes(_ reports: Reports) -> [Route] {
    [
        // snippet: template-fragment
        Route("/reports") { handler in
            let page = PanelsPage(reports: reports.all)
            if handler.wantsFragment {
                try await handler.render(page, fragment: .rows)
            } else {
                try await handler.render(page)
            }
        },
        // end
        // snippet: template-streaming
        Route("/today") { handler in
            try await handler.render(DashboardPage(reports: reports), streaming: true)
        },
        // end
    ]
}

// snippet: template-module
struct Rating: SynchronousTemplate {
    var stars: Int
    static let resources = PageResources(embeddedCSS: [".star { color: gold }"])

    func render(to output: inout TemplateOutput) throws {
        for _ in 0..<stars { output.write("<i class=star></i>") }
    }
}
// end

@Suite struct TemplateSnippets {
    @Test func `what the pages show is what they say`() throws {
        // snippet: template-string
        let text = try WelcomeText(name: "Anna").renderString()
        // end
        #expect(text == "Dear Anna,\n\nwelcome.\n")
        var output = TemplateOutput()
        try output.module(Rating(stars: 2))
        #expect(output.bytes == Array("<i class=star></i><i class=star></i>".utf8))
    }
}
