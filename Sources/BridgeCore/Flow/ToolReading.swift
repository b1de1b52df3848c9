import JSON
import NIOCore

/// What the tools of one route need to know about one event, read where expressions may be evaluated.
struct ToolReading: Sendable, Equatable {
    /// Longer keys and values are kept as their beginning and a hash.
    static let textLimit = 256

    var changedKey = ""
    /// `nil` for an event without the value.
    var changedValue: String?
    var sampleKey = ""
    var throttleKey = ""
    var bypassesThrottle = false
    var bypassesQuiet = false
    var digestKey = ""
    var bypassesDigest = false
    var expectKey = ""

    /// A text of at most ``textLimit`` bytes that stands for a longer one.
    static func bounded(_ text: String) -> String {
        guard text.utf8.count > self.textLimit else { return text }
        var hash = Fingerprint()
        hash.add(text)
        let room = self.textLimit - 17
        return String(decoding: text.utf8.prefix(room), as: UTF8.self).prefixOfBytes(room) + "#\(hash.value.hexadecimal)"
    }

    /// What a held event needs later, as a JSON array.
    var text: String {
        var json = ByteBuffer()
        json.writeString("[")
        JSONWriter.write(self.throttleKey, to: &json)
        json.writeString(",\(self.bypassesThrottle),\(self.bypassesQuiet),")
        JSONWriter.write(self.digestKey, to: &json)
        json.writeString(",\(self.bypassesDigest)]")
        return String(buffer: json)
    }

    init() {}

    /// - Parameter parser: the caller's own.
    init?(text: String, _ parser: JSONParser) {
        guard let root = try? parser.parse(ByteBuffer(string: text)), root.kind == .array else { return nil }
        var texts: [String] = []
        var flags: [Bool] = []
        root.forEachItem { item in
            if let text = item.string { texts.append(text) } else { flags.append(item.text() == "true") }
        }
        guard texts.count == 2, flags.count == 3 else { return nil }
        (self.throttleKey, self.digestKey) = (texts[0], texts[1])
        (self.bypassesThrottle, self.bypassesQuiet, self.bypassesDigest) = (flags[0], flags[1], flags[2])
    }
}

/// The readings of one event by route, for the routes with tools that took it.
///
/// Immutable; most events have none.
final class ToolReadings: Sendable {
    let items: [(route: RouteIndex, reading: ToolReading)]

    init(_ items: [(route: RouteIndex, reading: ToolReading)]) {
        self.items = items
    }
}

extension String {
    /// The longest prefix of at most `limit` bytes of UTF-8.
    fileprivate func prefixOfBytes(_ limit: Int) -> String {
        var text = self
        while text.utf8.count > limit { text.removeLast() }
        return text
    }
}
