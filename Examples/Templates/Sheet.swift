/// A map on paper.
struct Sheet: Sendable {
    /// Its name in URLs.
    var id: String
    var title: String
    var place: String
    var kind: Kind
    var scale: Int
    var price: Euro
    var about: String
    var reviews: [Review] = []

    var rating: Double? {
        reviews.isEmpty ? nil : Double(reviews.map(\.stars).reduce(0, +)) / Double(reviews.count)
    }

    /// `1 : 25 000`, with spaces at which no line is broken.
    var scaleText: String {
        let digits = String(String(scale).reversed())
        let groups = stride(from: 0, to: digits.count, by: 3).map { digits.dropFirst($0).prefix(3) }
        return "1\u{a0}:\u{a0}" + String(groups.joined(separator: "\u{a0}").reversed())
    }

    enum Kind: String, CaseIterable, Decodable, Sendable {
        case walking, sea, winter, moon

        var name: String {
            switch self {
            case .walking: "On foot"
            case .sea: "At sea"
            case .winter: "On skis"
            case .moon: "The Moon"
            }
        }

        /// Of the cover, in degrees.
        var hue: Int {
            switch self {
            case .walking: 88
            case .sea: 196
            case .winter: 268
            case .moon: 34
            }
        }
    }
}

struct Review: Sendable {
    var name: String
    var stars: Int
    var text: String
}
