/// An order that can be filled.
struct Order: Sendable {
    var sheet: Sheet
    var name: String
    var email: String
    var copies: Int
    var finish: Finish
    var note: String

    enum Finish: String, CaseIterable, Decodable, Sendable { case folded, rolled }

    var total: Euro { sheet.price * copies }
}

/// The order's form, as it was filled in.
struct OrderForm: Decodable {
    var name = ""
    var email = ""
    var copies = "1"
    var finish = Order.Finish.folded
    var note = ""

    /// What is wrong, by field.
    struct Errors {
        var name: String?
        var email: String?
        var copies: String?
        var note: String?

        var count: Int { [name, email, copies, note].count { $0 != nil } }
    }

    /// The order, unless something is wrong with it.
    func order(of sheet: Sheet) -> (Order?, Errors) {
        var errors = Errors()
        if name.isEmpty { errors.name = "Whom shall we send it to?" }
        if email.wholeMatch(of: /[^@\s]+@[^@\s]+\.[^@\s]+/) == nil {
            errors.email = "This is no address of an e-mail, such as ann@example.org."
        }
        let count = Int(copies) ?? 0
        if !(1...20).contains(count) { errors.copies = "Between 1 and 20, please." }
        if note.count > 200 { errors.note = "That is \(note.count) characters. 200 fit on the label." }
        guard errors.count == 0 else { return (nil, errors) }
        return (Order(sheet: sheet, name: name, email: email, copies: count, finish: finish, note: note), errors)
    }
}
