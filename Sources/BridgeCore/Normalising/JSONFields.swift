import JSON
import NIOCore

/// Reads the fields of the model from JSON, for all shapes.
enum JSONFields {
    /// A non-empty string.
    static func text(_ element: JSONElement?) -> String? {
        guard let text = element?.string, !text.isEmpty else { return nil }
        return text
    }

    /// A priority of a sender: a number, possibly as text, rounded and clamped to 1…5, or a word.
    static func priority(_ element: JSONElement) -> Int? {
        if let text = element.string { return PriorityText.rendered(text) ?? SeverityWord(text)?.priority }
        return element.double.map(self.priority)
    }

    static func priority(_ number: Double) -> Int {
        guard !number.isNaN else { return 3 }
        return Int(min(max(number.rounded(), 1), 5))
    }

    /// An array, of which only strings count, or a comma list.
    static func tags(_ element: JSONElement?) -> [String] {
        guard let element else { return [] }
        if let list = element.string { return self.tags(list) }
        var tags: [String] = []
        element.forEachItem { item in
            if let tag = item.string { tags.append(tag) }
        }
        return tags
    }

    /// The non-empty texts of a JSON array, as rendered by `{{ .tags + ["new"] }}`; `nil` for any other text.
    static func array(_ text: String) -> [String]? {
        guard text.utf8.first == UInt8(ascii: "[") else { return nil }
        let parser = JSONParser()
        // The element is valid only as long as the parser.
        defer { withExtendedLifetime(parser) {} }
        // A text that only looks like an array is a comma list.
        guard let element = try? parser.parse(ByteBuffer(string: text)), element.kind == .array else { return nil }
        return self.tags(element).filter { !$0.isEmpty }
    }

    /// The non-empty parts of a comma list, trimmed.
    static func tags(_ list: String) -> [String] {
        list.split(separator: ",").compactMap { part in
            let tag = part.trimmed
            return tag.isEmpty ? nil : String(tag)
        }
    }

    /// The names of labels: an array of texts, or of objects with a `name` or `title`.
    static func labels(_ array: JSONElement) -> [String] {
        var labels: [String] = []
        array.forEachItem { item in
            if let label = item.string ?? self.text(item["name"]) ?? self.text(item["title"]) { labels.append(label) }
        }
        return labels
    }

    /// A time of the model: RFC 3339 text, or a number since 1970; see ``timestamp(_:)``.
    static func timestamp(_ element: JSONElement?) -> Timestamp? {
        if let text = element?.string { return Timestamp(rfc3339: text) }
        return element?.double.flatMap(self.timestamp)
    }

    /// A time of a sender, from 2000 to 2099; see `Timestamp(lenient:)`.
    static func time(_ element: JSONElement) -> Timestamp? {
        let time = element.string.map { Timestamp(lenient: $0) } ?? element.double.flatMap(self.timestamp)
        return time.flatMap { $0.isPlausible ? $0 : nil }
    }

    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, recognised by their size.
    static func timestamp(_ number: Double) -> Timestamp? {
        let milliseconds =
            switch abs(number) {
            case ..<1e11: number * 1000
            case ..<1e14: number
            case ..<1e17: number / 1000
            default: number / 1_000_000
            }
        guard milliseconds.isFinite, abs(milliseconds) < 1e14 else { return nil }
        return Timestamp(milliseconds: Int64(milliseconds.rounded()))
    }
}

extension Substring {
    /// Without white space and line ends at both ends.
    var trimmedLines: Substring {
        let rest = self.drop(while: \.isWhitespace)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return rest[...last]
    }

    /// Without spaces and tabs at both ends.
    var trimmed: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let rest = self.drop(while: isSpace)
        guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
        return rest[...last]
    }
}
