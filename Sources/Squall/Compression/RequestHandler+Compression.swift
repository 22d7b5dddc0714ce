import SquallHTTP
import SquallIO

/// The coding of one response.
final class ResponseCompression {
    let coding: ContentCoding
    private let encoder: any ContentEncoder
    /// The whole body is coded already.
    var isDone = false

    /// Nil if there is no memory for it.
    init?(_ coding: ContentCoding) {
        let encoder: (any ContentEncoder)? = coding == .brotli ? BrotliEncoder() : GzipEncoder()
        guard let encoder else { return nil }
        self.coding = coding == .brotli ? .brotli : .gzip
        self.encoder = encoder
    }

    func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] { encoder.encode(bytes, isLast: isLast) }

    /// As ``encode(_:isLast:)``, and on another thread where there is much of it.
    nonisolated(nonsending) func encodeElsewhere(_ bytes: [UInt8], isLast: Bool) async -> [UInt8] {
        guard bytes.count > RequestHandler.mostCompressedInline else { return encode(bytes, isLast: isLast) }
        do {
            return try await BlockingPool.shared.run { [encoder] in encoder.encode(bytes, isLast: isLast) }
        } catch {
            // It has not begun: too many wait, or the task is cancelled, and its client may be there to read all the same.
            return encode(bytes, isLast: isLast)
        }
    }

    /// What stands behind a strong tag, inside its quotation marks: the coded body is another representation.
    var tagSuffix: String { "-" + coding.rawValue }

    /// The tag of the coded body. A weak tag stays: it says of both that they mean the same.
    func tag(for tag: String) -> String {
        guard tag.utf8.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return tag }
        return "\(tag.dropLast())\(tagSuffix)\""
    }
}

extension RequestHandler {
    /// A body that is shorter is sent as it is.
    static let leastCompressed = 1_024
    /// More is compressed on a thread of its own, where the framework ends the response, or ``flush()`` sends a part of
    /// it. At the speed of gzip that is half of the time for which a loop may be held.
    static let mostCompressedInline = 16_384

    /// Decides the coding of a response that is in one piece.
    @inline(__always)
    func chooseCoding(_ exchange: Exchange) {
        guard bodyLength >= Self.leastCompressed, compression == nil, isCompressing(exchange) else { return }
        chooseCoding(exchange, isStream: false)
    }

    /// Decides the coding of a response that is sent as it comes.
    func chooseStreamCoding(_ exchange: Exchange) {
        guard isCompressing(exchange) else { return }
        if let field = fields.first(where: { $0.name.equalsIgnoringCase("content-length") }),
            let length = Int(field.value), length < Self.leastCompressed
        {
            return
        }
        chooseCoding(exchange, isStream: true)
    }

    /// The tags of one version of a resource, in all codings in which it may be sent.
    func tagsInAllCodings(_ tag: String) -> [String] {
        guard let exchange, isCompressing(exchange) else { return [tag] }
        return [tag] + ["-gzip", "-br"].map { "\(tag.dropLast())\($0)\"" }
    }

    /// The one of the codings that the client likes best; nil if that is none.
    func preferredCoding(of codings: [ContentCoding]) -> ContentCoding? {
        guard let exchange, exchange.head.value(of: "accept-encoding") != nil else { return nil }
        let accept = AcceptHeader(exchange.head.values(of: "accept-encoding").joined(separator: ","))
        return accept.preferredCoding(of: codings.map(\.rawValue)).flatMap(ContentCoding.init)
    }

    private func isCompressing(_ exchange: Exchange) -> Bool {
        guard isCoded else { return false }
        if let mount { return mount.route.compressesResponse ?? mount.application.settings.compressesResponses }
        return exchange.route.compressesResponse ?? exchange.connection.server.core.settings.compressesResponses
    }

    private func chooseCoding(_ exchange: Exchange, isStream: Bool) {
        guard status != 204, status != 304, status != 206, let contentType, Self.isCompressible(contentType) else {
            return
        }
        var vary: Int?
        var tag: Int?
        for (index, field) in fields.enumerated() {
            if field.name.equalsIgnoringCase("content-encoding") || field.name.equalsIgnoringCase("content-range") {
                return
            }
            if field.name.equalsIgnoringCase("cache-control"), field.value.lowercased().contains("no-transform") {
                return
            }
            if field.name.equalsIgnoringCase("vary") { vary = index }
            if field.name.equalsIgnoringCase("etag") { tag = index }
        }
        if let vary {
            let names = fields[vary].value.split(separator: ",").map(\.trimmingBlanks)
            if !names.contains(where: { $0 == "*" || $0.equalsIgnoringCase("accept-encoding") }) {
                fields[vary].value += names.isEmpty ? "Accept-Encoding" : ", Accept-Encoding"
            }
        } else {
            fields.append(("Vary", "Accept-Encoding"))
        }
        // A response that lasts holds its encoder, and gzip's is the smaller.
        guard let coding = preferredCoding(of: isStream ? [.gzip, .brotli] : [.brotli, .gzip]),
            let compression = ResponseCompression(coding)
        else { return }
        self.compression = compression
        fields.append(("Content-Encoding", compression.coding.rawValue))
        if let tag { fields[tag].value = compression.tag(for: fields[tag].value) }
        if isStream { clearHeader("content-length") }
    }

    /// Puts the coding on a body that is in one piece.
    func compressBody() {
        guard let compression, !compression.isDone, status != 304 else { return }
        gather()
        chunk = compression.encode(chunk, isLast: true)
        compression.isDone = true
    }

    /// Puts the coding on a large body without holding the loop. ``finish()`` has to be called next.
    func compressElsewhere() async throws {
        guard let exchange else { return }
        guard case .open = phase else {
            if compression != nil { try await flush() }
            return
        }
        chooseCoding(exchange)
        guard let compression else { return }
        try revalidate(exchange)
        guard status != 304 else { return }
        gather()
        let whole = chunk
        chunk = []
        chunk = await compression.encodeElsewhere(whole, isLast: true)
        compression.isDone = true
    }

    /// Whether it pays to compress content of this type: text, and what is written like text.
    static func isCompressible(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.trimmingBlanks.lowercased()
        return type.hasPrefix("text/") || type.hasSuffix("+json") || type.hasSuffix("+xml")
            || compressibleTypes.contains(type)
    }

    private static let compressibleTypes: Set<String> = [
        "application/json", "application/javascript", "application/x-javascript", "application/xml", "application/wasm",
        "application/x-ndjson", "application/yaml", "application/rtf", "application/graphql", "application/sql",
        "application/vnd.ms-fontobject", "font/ttf", "font/otf", "image/bmp", "image/x-icon",
        "image/vnd.microsoft.icon",
    ]
}
