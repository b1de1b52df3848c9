import BridgeCore
import Mosquitto

/// The topics of a subscription: levels with `+` for one and `#` for all that follow (MQTT 5 §4.7).
struct MQTTTopicFilter: Sendable, Hashable, CustomStringConvertible {
    /// Without `$share/<group>/`.
    let text: String
    let levels: [Substring]

    /// - Throws: ``MQTTTextError``.
    init(_ text: String) throws {
        guard !text.isEmpty else {
            throw MQTTTextError(
                "a topic filter has at least one character; write \"#\" in quotes for all topics, since # begins a comment in YAML"
            )
        }
        guard text.utf8.count <= 65_535 else { throw MQTTTextError("a topic filter has at most 65535 bytes") }
        guard !text.utf8.contains(0) else { throw MQTTTextError("a topic filter must not contain NUL") }
        guard MQTTText.isHarmless(text) else { throw MQTTTextError("a topic filter must not contain control characters") }
        guard !text.utf8.starts(with: "$share/".utf8) else {
            throw MQTTTextError("a shared subscription is written with the key share: topic: alerts/#, share: group")
        }
        // Bytes, not characters: a combining mark after a slash is not part of it.
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        for (index, level) in levels.enumerated() {
            if level.utf8.contains(UInt8(ascii: "#")), level != "#" || index != levels.count - 1 {
                throw MQTTTextError("'\(text)': '#' must be the whole last level")
            }
            if level.utf8.contains(UInt8(ascii: "+")), level != "+" {
                throw MQTTTextError("'\(text)': '+' must be a whole level")
            }
        }
        self.text = text
        self.levels = levels
    }

    var description: String { self.text }

    /// Compares bytes (MQTT 5 §1.5.4).
    static func == (lhs: Self, rhs: Self) -> Bool { lhs.text.utf8.elementsEqual(rhs.text.utf8) }

    func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(self.text))
    }

    /// Whether a topic is matched.
    ///
    /// Wildcards at the beginning match no topic that begins with `$` (MQTT 5 §4.7.2).
    func matches(_ topic: String) -> Bool {
        if topic.utf8.first == UInt8(ascii: "$"), self.levels[0] == "+" || self.levels[0] == "#" { return false }
        var rest = topic.utf8[...]
        var isAtEnd = false
        for level in self.levels {
            // `a/#` matches `a` too.
            if level == "#" { return true }
            if isAtEnd { return false }
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            if level != "+", !level.utf8.elementsEqual(rest[..<end]) { return false }
            isAtEnd = end == rest.endIndex
            rest = isAtEnd ? rest[end...] : rest[rest.index(after: end)...]
        }
        return isAtEnd
    }
}
