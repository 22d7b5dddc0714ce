struct Item {
    enum State {
        case open
        case sold(to: String)
    }
    var name: String
    var price = 1
    var note: String?
    var state = State.open
}

struct OutOfStock: Error, CustomStringConvertible { var description = "out of <stock>" }

/// Fails for a name that begins with `!`.
func checked(_ item: Item) throws -> String {
    if item.name.hasPrefix("!") { throw OutOfStock() }
    return item.name
}

func shout(_ text: String) -> String { text.uppercased() }
