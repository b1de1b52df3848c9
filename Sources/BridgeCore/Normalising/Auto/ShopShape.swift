import JSON

/// Orders as WooCommerce sends them: `order_key`, `number`, `status`, `line_items`.
///
/// https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
enum ShopShape {
    /// How many items of an order are written.
    private static let limit = 10

    /// Makes the draft of an order, without the customer's name and address; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard root["order_key"] != nil, let items = root["line_items"], items.kind == .array,
            let number = (root["number"] ?? root["id"])?.text(), !number.isEmpty
        else { return nil }
        let status = JSONFields.text(root["status"])
        var draft = Draft()
        draft.title = ["Order \(number)", status].compactMap(\.self).joined(separator: ": ")
        var parts: [String] = []
        items.forEachItem { item in
            guard parts.count < self.limit, let name = JSONFields.text(item["name"]) else { return }
            parts.append("\(item["quantity"]?.text() ?? "1") × \(name)")
        }
        if items.count > self.limit { parts.append("and \(items.count - self.limit) more") }
        if let total = root["total"]?.text(), !total.isEmpty {
            parts.append("total \(total) \(JSONFields.text(root["currency"]) ?? "")".trimmingSpaces)
        }
        draft.message = parts.joined(separator: ", ")
        draft.priority = status.flatMap { SeverityWord($0) }.flatMap { $0.priority >= 4 ? $0.priority : nil }
        let time = root["date_modified_gmt"] ?? root["date_created_gmt"]
        draft.timestamp = time.flatMap { JSONFields.time($0) }
        return draft
    }
}
