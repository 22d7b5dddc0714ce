import Squall
import TemplateTiming

struct Fortune: Decodable {
    var id: Int
    var message: String
}

/// Squall's own templates: the files in `Templates`, each a struct that the build has made of it.
@main
struct TemplatesSquall: TemplateEngine {
    func fortunes(_ stored: [Fortune]) throws -> [UInt8] {
        var fortunes = stored
        fortunes.append(Fortune(id: 0, message: "Additional fortune added at request time."))
        fortunes.sort { $0.message < $1.message }
        var output = TemplateOutput()
        try FortunesPage(fortunes: fortunes).render(to: &output)
        return output.bytes
    }

    func table(_ rows: [[String]]) throws -> [UInt8] {
        var output = TemplateOutput()
        try TablePage(rows: rows).render(to: &output)
        return output.bytes
    }
}
