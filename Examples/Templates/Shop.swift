import Foundation
import Synchronization

/// What is sold, and to whom it was.
final class Shop: Sendable {
    let sheets = Sheet.all
    private let orders = Mutex<[Order]>([])

    func sheet(_ id: String) -> Sheet? { sheets.first { $0.id == id } }

    /// Those that have all the words somewhere, whatever their case and accents.
    func sheets(for search: Search) -> [Sheet] {
        let words = (search.q ?? "").split(separator: " ")
        return sheets.filter { sheet in
            let text = "\(sheet.title) \(sheet.place) \(sheet.about)"
            return (search.kind == nil || search.kind == sheet.kind)
                && words.allSatisfy { text.range(of: $0, options: [.caseInsensitive, .diacriticInsensitive]) != nil }
        }
    }

    /// Others of the kind.
    func sheets(like sheet: Sheet) -> [Sheet] { sheets.filter { $0.kind == sheet.kind && $0.id != sheet.id } }

    /// Keeps an order, and returns its number.
    func take(_ order: Order) -> Int {
        orders.withLock {
            $0.append(order)
            return 1_000 + $0.count
        }
    }
}

/// What is looked for: the query of the catalogue.
struct Search: Decodable {
    var q: String?
    var kind: Sheet.Kind?
}
