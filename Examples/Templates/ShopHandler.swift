import Squall

/// What the shop's handlers have in common.
class ShopHandler: RequestHandler {
    let shop: Shop

    init(_ shop: Shop) { self.shop = shop }

    /// The map that the path names.
    var sheet: Sheet {
        get throws {
            guard let sheet = shop.sheet(try pathArgument("id")) else { throw HTTPError(404, "There is no such map") }
            return sheet
        }
    }

    override func writeError(_ error: HTTPError) async throws {
        guard error.status == 404 else { return try await super.writeError(error) }
        try await render(MissingPage())
    }
}

/// All maps, or those that are looked for.
final class CatalogueHandler: ShopHandler {
    override func get() async throws {
        let search = try query(as: Search.self)
        let page = CataloguePage(search: search, sheets: shop.sheets(for: search))
        if wantsFragment {
            try await render(page, fragment: .rows)
        } else {
            try await render(page)
        }
    }
}

/// One map.
final class SheetHandler: ShopHandler {
    override func get() async throws {
        let sheet = try sheet
        try await render(SheetPage(sheet: sheet, others: shop.sheets(like: sheet)))
    }
}

/// What is on a map's cover, as an image.
final class CoverHandler: ShopHandler {
    override func get() async throws {
        let sheet = try sheet
        setHeader("Cache-Control", "max-age=3600")
        try await render(CoverSVG(hue: sheet.kind.hue, relief: Relief(of: sheet.id)))
    }
}
