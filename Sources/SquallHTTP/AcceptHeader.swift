/// What a client takes, and how gladly: the value of `Accept` or `Accept-Encoding` (RFC 9110 section 12.5).
///
/// Reading is linear, and never fails: an entry that is malformed is skipped, and so is what comes after ``mostEntries``. Names are compared without regard to case.
public struct AcceptHeader: Sendable {
    /// One entry of the list, such as `text/*;q=0.5`.
    public struct Entry: Sendable {
        /// The coding, or the media range without its parameters, in lower case.
        public var name: String
        /// Parameters of a media range, in lower case, without `q` and `charset`.
        public var parameters: [String] = []
        /// From 0, not at all, to 1,000.
        public var quality = 1_000
    }

    /// So many are read: more than any client sends, and few enough to ask each of them about each offer.
    public static let mostEntries = 64

    /// The entries, in the order in which they came.
    public private(set) var entries: [Entry] = []

    /// Reads a field's value.
    public init(_ value: String) {
        let bytes = Array(value.utf8)
        var start = 0
        var isQuoted = false
        var isEscaped = false
        for index in 0...bytes.count {
            let byte = index < bytes.count ? bytes[index] : UInt8(ascii: ",")
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
            guard index == bytes.count || byte == UInt8(ascii: ",") && !isQuoted else { continue }
            if index > start, let entry = Self.entry(bytes[start..<index]) {
                entries.append(entry)
                if entries.count == Self.mostEntries { return }
            }
            start = index + 1
        }
    }

    private static func entry(_ bytes: ArraySlice<UInt8>) -> Entry? {
        guard bytes.contains(where: { !ASCII.isBlank($0) }),
            let text = HeaderParameters(bytes.span), isName(text.value)
        else { return nil }
        var entry = Entry(name: text.value)
        for (name, value) in text.parameters {
            switch name {
            case "q":
                guard let quality = quality(value) else { return nil }
                entry.quality = quality
                // What comes behind the weight is not the media type's.
                return entry
            case "charset": continue
            default: entry.parameters.append("\(name)=\(value.lowercased())")
            }
        }
        return entry
    }

    /// A token, or two with a slash between them.
    private static func isName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(ByteSet.token.contains) }) else {
            return false
        }
        // `*/html` is nothing.
        return parts.count == 1 || !parts[0].elementsEqual("*".utf8) || parts[1].elementsEqual("*".utf8)
    }

    /// `0`, `1`, or one of these with up to three digits behind a point, in thousandths.
    private static func quality(_ text: String) -> Int? {
        var digits = Array(text.utf8)
        guard !digits.isEmpty, digits.count <= 5 else { return nil }
        let whole = digits.removeFirst()
        guard whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        var result = whole == UInt8(ascii: "1") ? 1_000 : 0
        if !digits.isEmpty {
            guard digits.removeFirst() == UInt8(ascii: ".") else { return nil }
            var scale = 100
            for digit in digits {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                result += Int(digit - UInt8(ascii: "0")) * scale
                scale /= 10
            }
        }
        return result <= 1_000 ? result : nil
    }

    // MARK: asking

    /// What an entry says of an offer, and how closely it names it.
    private struct Rank {
        var quality: Int
        var specificity: Int
        var position: Int

        func isBetter(than other: Rank) -> Bool {
            if quality != other.quality { return quality > other.quality }
            if specificity != other.specificity { return specificity > other.specificity }
            return position < other.position
        }
    }

    /// How gladly the client takes a media type such as `text/html`: from 0, not at all, to 1,000. The entry that names it most
    /// closely decides: `text/html;level=1`, then `text/html`, `text/*`, `*/*`. 1,000 if there are no entries.
    public func quality(ofMediaType type: String) -> Int {
        entries.isEmpty ? 1_000 : rank(mediaType: type)?.quality ?? 0
    }

    /// How gladly the client takes a content coding such as `gzip`: from 0, not at all, to 1,000. An entry of its name decides, then
    /// `*`. Without one `identity` is taken, and others are not.
    public func quality(ofCoding name: String) -> Int {
        let name = name.lowercased()
        // The same, by another name (RFC 9110 section 8.4.1.3).
        let entry =
            entries.first { $0.name == name || name == "gzip" && $0.name == "x-gzip" }
            ?? entries.first { $0.name == "*" }
        return entry?.quality ?? (name == "identity" ? 1_000 : 0)
    }

    /// The content coding to send, of those given, the better first: the one that the client likes most, and the first of
    /// equals. Nil: none, because it takes none of them, or likes it better without. A client that takes neither is sent none.
    public func preferredCoding(of offers: [String]) -> String? {
        var best: String?
        var bestQuality = 0
        for offer in offers {
            let quality = quality(ofCoding: offer)
            if quality > bestQuality { (best, bestQuality) = (offer, quality) }
        }
        if let identity = entries.first(where: { $0.name == "identity" }), identity.quality > bestQuality { return nil }
        return best
    }

    /// Whether an entry names the media type itself, and not only a range that it is in.
    public func names(mediaType type: String) -> Bool { (rank(mediaType: type)?.specificity ?? 0) >= Self.exact }

    /// The media type that the client likes best. Of those that it likes the same: the one that it names more closely, then
    /// the one that it names first, then the first of `offers`. Nil if it takes none.
    public func preferred(of offers: [String]) -> String? {
        if entries.isEmpty { return offers.first }
        var best: (type: String, rank: Rank)?
        for offer in offers {
            guard let rank = rank(mediaType: offer), rank.quality > 0 else { continue }
            if let known = best, !rank.isBetter(than: known.rank) { continue }
            best = (offer, rank)
        }
        return best?.type
    }

    private static let exact = 2

    private func rank(mediaType: String) -> Rank? {
        guard let offer = HeaderParameters(mediaType) else { return nil }
        let range = offer.value.prefix { $0 != "/" } + "/*"
        let parameters = Set(offer.parameters.map { "\($0.name)=\($0.value.lowercased())" })
        var best: Rank?
        for (position, entry) in entries.enumerated() {
            let specificity: Int
            if entry.name == offer.value {
                guard entry.parameters.allSatisfy(parameters.contains) else { continue }
                specificity = Self.exact + entry.parameters.count
            } else if entry.name == range {
                specificity = 1
            } else if entry.name == "*/*" {
                specificity = 0
            } else {
                continue
            }
            if specificity > best?.specificity ?? -1 {
                best = Rank(quality: entry.quality, specificity: specificity, position: position)
            }
        }
        return best
    }
}
