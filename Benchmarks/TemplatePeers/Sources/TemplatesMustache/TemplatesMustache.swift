import Mustache
import TemplateTiming

/// Says itself what its properties are called. Left to reflection, rendering would take longer.
struct Fortune: Decodable, MustacheParent {
    var id: Int
    var message: String

    func child(named name: String) -> Any? {
        switch name {
        case "id": id
        case "message": message
        default: nil
        }
    }
}

@main
struct TemplatesMustache: TemplateEngine {
    let fortunesTemplate: MustacheTemplate
    let tableTemplate: MustacheTemplate

    init() throws {
        fortunesTemplate = try MustacheTemplate(
            string: """
                <!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>\
                <tr><th>id</th><th>message</th></tr>\
                {{#fortunes}}<tr><td>{{id}}</td><td>{{message}}</td></tr>{{/fortunes}}\
                </table></body></html>

                """)
        tableTemplate = try MustacheTemplate(
            string: """
                <!DOCTYPE html><html><head><title>Table</title></head><body><table>\
                {{#rows}}<tr>{{#.}}<td>{{.}}</td>{{/.}}</tr>{{/rows}}\
                </table></body></html>

                """)
    }

    func fortunes(_ stored: [Fortune]) throws -> String.UTF8View {
        var fortunes = stored
        fortunes.append(Fortune(id: 0, message: "Additional fortune added at request time."))
        fortunes.sort { $0.message < $1.message }
        return fortunesTemplate.render(["fortunes": fortunes]).utf8
    }

    func table(_ rows: [[String]]) throws -> String.UTF8View {
        tableTemplate.render(["rows": rows]).utf8
    }
}
