import JSON
import NIOCore

/// How the fields of the model are read from JSON, whatever the shape around them.
enum JSONFields {
    /// A non-empty string.
    static func text(_ element: JSONElement?) -> String? {
        guard let text = element?.string, !text.isEmpty else { return nil }
        return text
    }

    /// A number, rounded and clamped to 1…5; strings are ignored.
    static func priority(_ element: JSONElement?) -> Int? {
        element?.double.map(self.priority)
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

    /// The non-empty texts of a JSON array, which `{{ .tags + ["new"] }}` renders; `nil` when the text is none.
    static func array(_ text: String) -> [String]? {
        guard text.utf8.first == UInt8(ascii: "[") else { return nil }
        let parser = JSONParser()
        // The element lives in the parser.
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

    /// RFC 3339 text, or seconds or milliseconds since 1970, told apart by size.
    static func timestamp(_ element: JSONElement?) -> Timestamp? {
        if let text = element?.string { return Timestamp(rfc3339: text) }
        return element?.double.flatMap(self.timestamp)
    }

    static func timestamp(_ number: Double) -> Timestamp? {
        let milliseconds = abs(number) < 1e11 ? number * 1000 : number
        guard milliseconds.isFinite, abs(milliseconds) < 1e15 else { return nil }
        return Timestamp(milliseconds: Int64(milliseconds.rounded()))
    }
}

extension Substring {
    /// Without spaces and tabs at both ends.
    var trimmed: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let rest = self.drop(while: isSpace)
        guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
        return rest[...last]
    }
}
