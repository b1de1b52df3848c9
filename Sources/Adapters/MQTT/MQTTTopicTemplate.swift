import BridgeCore

/// The topic of what a sink publishes, made so that an event's content cannot choose more than its own levels.
struct MQTTTopicTemplate: Sendable {
    /// Why a rendered topic cannot be.
    struct Refusal: Error {
        let reason: String
    }

    let template: Template
    /// Whether `/` may come from an event.
    let keepsSlashes: Bool

    /// Looks at what the file says.
    ///
    /// - Parameter mayBeAny: whether the event may choose the first level.
    /// - Throws: ``MQTTTextError``.
    func validate(mayBeAny: Bool) throws {
        let literals = Self.literals(of: self.template.text)
        if let wildcard = literals.first(where: { "+#\0".contains($0) }) {
            throw MQTTTextError(
                wildcard == "\0"
                    ? "a topic holds no NUL" : "'\(wildcard)' is a wildcard, and one publishes to one topic; leave it out"
            )
        }
        guard MQTTText.isHarmless(literals) else {
            throw MQTTTextError("a topic holds no control characters")
        }
        for reserved in ["$share/", "$SYS/"] where self.template.staticPrefix.hasPrefix(reserved) {
            throw MQTTTextError("nobody publishes to topics that begin with \(reserved)")
        }
        if let constant = self.template.constant {
            guard !constant.isEmpty else { throw MQTTTextError("a topic has at least one character") }
            guard constant.utf8.count <= 65_535 else { throw MQTTTextError("a topic has at most 65535 bytes") }
        } else if self.template.staticPrefix.isEmpty, !mayBeAny {
            throw MQTTTextError(
                "the topic begins with what an event says, so an event could choose any topic; begin it with fixed text such as bridge/, or"
                    + " write any_topic: true"
            )
        }
    }

    /// The topic for the event that the reader holds.
    ///
    /// - Throws: ``Refusal``, also for a template that fails or misses a value.
    func render(_ reader: EventReader) throws(Refusal) -> String {
        if let constant = self.template.constant { return constant }
        let beginsWithEvent = self.template.staticPrefix.isEmpty
        var topic: String
        do {
            topic = try self.template.renderAddress(reader) { Self.escaped($0, keepsSlashes: self.keepsSlashes) }
        } catch {
            throw Refusal(reason: "the topic \(self.template.text) cannot be made: \(error)")
        }
        // Topics that begin with `$` are the broker's own (MQTT 5 §4.7.2).
        if beginsWithEvent, topic.utf8.first == UInt8(ascii: "$") { topic = "_" + topic.dropFirst() }
        guard !topic.isEmpty else { throw Refusal(reason: "the topic made of \(self.template.text) is empty") }
        guard topic.utf8.count <= 65_535 else {
            throw Refusal(reason: "the topic made of \(self.template.text) has \(topic.utf8.count) bytes; 65535 are allowed")
        }
        return topic
    }

    /// Replaces what would change the shape of a topic by `_`: wildcards, control characters, and `/` unless it is kept.
    static func escaped(_ text: String, keepsSlashes: Bool) -> String {
        let isHarmless = text.unicodeScalars.allSatisfy { Self.isHarmless($0, keepsSlashes: keepsSlashes) }
        guard !isHarmless else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(Self.isHarmless(scalar, keepsSlashes: keepsSlashes) ? scalar : "_")
        }
        return String(result)
    }

    private static func isHarmless(_ scalar: Unicode.Scalar, keepsSlashes: Bool) -> Bool {
        switch scalar {
        case "+", "#": false
        case "/": keepsSlashes
        default: MQTTText.isHarmless(scalar)
        }
    }

    /// The text outside `{{ … }}`.
    private static func literals(of text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "{{") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstRange(of: "}}") else { return result }
            rest = rest[end.upperBound...]
        }
        return result + rest
    }
}
