import Logging
import Squall

/// The form for an order: shown, checked, and shown again until nothing is wrong with it.
final class OrderHandler: ShopHandler {
    override func get() async throws {
        try await render(OrderPage(sheet: try sheet, form: OrderForm()))
    }

    override func post() async throws {
        let sheet = try sheet
        let form = try form(as: OrderForm.self)
        let (order, errors) = form.order(of: sheet)
        guard let order else {
            setStatus(422)
            return try await render(OrderPage(sheet: sheet, form: form, errors: errors))
        }

        let number = shop.take(order)
        let mail = try await renderString(ConfirmationText(number: number, order: order))
        logger.info("this would be sent to \(order.email):\n\(mail)")
        try flash("Thank you, \(order.name). Your order has the number \(number).")
        // What is loaded again then is the map, not the order.
        try redirect(path(named: "sheet", ["id": sheet.id]), status: 303)
    }
}
