import BridgeCore

/// Which answers count as success: `success:` in the file, a list of codes and of ranges such as `200-299`.
package struct WebhookStatuses: Sendable, Equatable, Decodable {
    let ranges: [ClosedRange<Int>]

    /// Every 2xx.
    package static let success = WebhookStatuses(ranges: [200...299])

    init(ranges: [ClosedRange<Int>]) {
        self.ranges = ranges
    }

    /// Decodes a list of status codes and ranges.
    ///
    /// - Throws: ``SettingError`` for an empty list, and for a code outside 200 to 599.
    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        var ranges: [ClosedRange<Int>] = []
        while !container.isAtEnd {
            let path = container.codingPath
            let entry = try container.decode(Entry.self)
            guard let range = entry.range else {
                throw SettingError(
                    path: path, "'\(entry.text)' is neither a status code from 200 to 599 nor a range of them such as 200-299"
                )
            }
            ranges.append(range)
        }
        guard !ranges.isEmpty else {
            throw SettingError(
                path: decoder.codingPath, "an empty list would make every answer a failure; leave it out to accept every 2xx")
        }
        self.ranges = ranges
    }

    /// Whether an answer with this status is a success.
    package func contains(_ status: Int) -> Bool {
        self.ranges.contains { $0.contains(status) }
    }

    /// Whether some status is in both.
    func overlaps(_ other: WebhookStatuses) -> Bool {
        self.ranges.contains { range in other.ranges.contains { $0.overlaps(range) } }
    }

    /// A number or a text; the file may use either.
    struct Entry: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do {
                self.text = String(try container.decode(Int.self))
            } catch is DecodingError {
                self.text = try container.decode(String.self)
            }
        }

        var range: ClosedRange<Int>? {
            let ends = self.text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last, first >= 200,
                last < 600
            else { return nil }
            return first...last
        }
    }
}
