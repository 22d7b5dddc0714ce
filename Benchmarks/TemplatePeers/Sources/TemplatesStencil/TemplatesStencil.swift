import Stencil
import TemplateTiming

/// Says itself what its properties are called. Left to reflection, rendering would take longer.
@dynamicMemberLookup
struct Fortune: Decodable, DynamicMemberLookup {
    var id: Int
    var message: String

    subscript(dynamicMember name: String) -> Any? {
        switch name {
        case "id": id
        case "message": message
        default: nil
        }
    }
}

@main
struct TemplatesStencil: TemplateEngine {
    let environment: Environment
    let fortunesNodes: [any NodeType]
    let tableNodes: [any NodeType]

    init() throws {
        // Stencil escapes nothing by itself and has no filter for it.
        let filters = Extension()
        filters.registerFilter("escape") { (value: Any?) in value.map(escaped) }
        environment = Environment(extensions: [filters])
        fortunesNodes = try parsed(
            """
            <!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>\
            <tr><th>id</th><th>message</th></tr>\
            {% for fortune in fortunes %}\
            <tr><td>{{ fortune.id }}</td><td>{{ fortune.message|escape }}</td></tr>\
            {% endfor %}\
            </table></body></html>

            """, environment)
        tableNodes = try parsed(
            """
            <!DOCTYPE html><html><head><title>Table</title></head><body><table>\
            {% for row in rows %}<tr>{% for cell in row %}<td>{{ cell|escape }}</td>{% endfor %}</tr>{% endfor %}\
            </table></body></html>

            """, environment)
    }

    func fortunes(_ stored: [Fortune]) throws -> String.UTF8View {
        var fortunes = stored
        fortunes.append(Fortune(id: 0, message: "Additional fortune added at request time."))
        fortunes.sort { $0.message < $1.message }
        let context = Context(dictionary: ["fortunes": fortunes], environment: environment)
        return try renderNodes(fortunesNodes, context).utf8
    }

    func table(_ rows: [[String]]) throws -> String.UTF8View {
        try renderNodes(tableNodes, Context(dictionary: ["rows": rows], environment: environment)).utf8
    }
}

/// `Template.render` parses its tokens again every time. Here they are parsed once, as by every other engine.
private func parsed(_ text: String, _ environment: Environment) throws -> [any NodeType] {
    let template = Template(templateString: text, environment: environment)
    return try TokenParser(tokens: template.tokens, environment: environment).parse()
}

private func escaped(_ value: Any) -> String {
    let text = value as? String ?? String(describing: value)
    // Most texts need nothing, and are handed back as they are.
    guard text.utf8.contains(where: { entity($0) != nil }) else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 32)
    for byte in text.utf8 {
        if let entity = entity(byte) {
            bytes.append(contentsOf: entity.utf8)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func entity(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "&"): "&amp;"
    case UInt8(ascii: "<"): "&lt;"
    case UInt8(ascii: ">"): "&gt;"
    case UInt8(ascii: "\""): "&quot;"
    case UInt8(ascii: "'"): "&#39;"
    default: nil
    }
}
