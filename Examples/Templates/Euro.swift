/// An amount that templates put out as it is shown.
struct Euro: Sendable, ExpressibleByFloatLiteral, CustomStringConvertible {
    var cents: Int

    init(cents: Int) { self.cents = cents }
    init(floatLiteral value: Double) { cents = Int((value * 100).rounded()) }

    var description: String { "€\u{a0}\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)" }

    static func * (price: Euro, count: Int) -> Euro { Euro(cents: price.cents * count) }
}
