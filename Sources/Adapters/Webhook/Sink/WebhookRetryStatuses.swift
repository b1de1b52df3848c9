import BridgeCore

/// The statuses after which an event is retried: `retry.on`, a list of codes, ranges such as `500-504` and classes such
/// as `5xx`.
///
/// An empty list means none.
struct WebhookRetryStatuses: Sendable, Decodable {
    let statuses: WebhookStatuses

    /// The statuses of servers that are busy or down.
    static let standard = WebhookStatuses(ranges: [408...408, 425...425, 429...429, 500...599])

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        var ranges: [ClosedRange<Int>] = []
        while !container.isAtEnd {
            let path = container.codingPath
            let entry = try container.decode(WebhookStatuses.Entry.self)
            guard let range = Self.statusClass(entry.text) ?? entry.range, range.lowerBound >= 300 else {
                throw SettingError(
                    path: path,
                    "'\(entry.text)' is not a status to retry; write a code from 300 to 599, a range such as 500-504 or a "
                        + "class such as 5xx"
                )
            }
            ranges.append(range)
        }
        self.statuses = WebhookStatuses(ranges: ranges)
    }

    /// `5xx` means 500 to 599.
    private static func statusClass(_ text: String) -> ClosedRange<Int>? {
        guard text.utf8.count == 3, text.lowercased().hasSuffix("xx"), let digit = text.first?.wholeNumberValue,
            (3...5).contains(digit)
        else { return nil }
        return (digit * 100)...(digit * 100 + 99)
    }
}
