import BridgeCore

/// The topic of what a sink publishes, made so that an event's content cannot choose more than its own levels.
struct MQTTTopicTemplate: Sendable {
    /// Why a rendered topic cannot be.
    struct Refusal: Error {
        let reason: String
    }

    private let levels: LevelTemplate

    /// - Parameter keepsSlashes: whether `/` may come from an event.
    init(template: Template, keepsSlashes: Bool) {
        self.levels = LevelTemplate(template: template, keepsSlashes: keepsSlashes)
    }

    var template: Template { self.levels.template }

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
        } else if self.levels.isFree, !mayBeAny {
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
        let topic: String
        do {
            topic = try self.levels.render(reader)
        } catch {
            throw Refusal(reason: "the topic \(self.template.text) cannot be made: \(error)")
        }
        guard !topic.isEmpty else { throw Refusal(reason: "the topic made of \(self.template.text) is empty") }
        guard topic.utf8.count <= 65_535 else {
            throw Refusal(reason: "the topic made of \(self.template.text) has \(topic.utf8.count) bytes; 65535 are allowed")
        }
        return topic
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
