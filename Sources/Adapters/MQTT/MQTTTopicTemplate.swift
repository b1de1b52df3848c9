import BridgeCore
import Mosquitto

/// The topic of a sink's messages, rendered so that an event's content cannot choose more than its own levels.
struct MQTTTopicTemplate: Sendable {
    /// Why a rendered topic is invalid.
    struct Refusal: Error {
        let reason: String
    }

    private var levels: LevelTemplate

    /// - Parameter keepsSlashes: whether `/` of an event stays.
    init(template: Template, keepsSlashes: Bool) {
        self.levels = LevelTemplate(template: template, keepsSlashes: keepsSlashes)
    }

    var template: Template {
        get { self.levels.template }
        set { self.levels = LevelTemplate(template: newValue, keepsSlashes: self.levels.keepsSlashes) }
    }

    var keepsSlashes: Bool {
        get { self.levels.keepsSlashes }
        set { self.levels = LevelTemplate(template: self.levels.template, keepsSlashes: newValue) }
    }

    /// Checks the template's constants.
    ///
    /// - Parameter mayBeAny: whether the event may choose the first level.
    /// - Throws: ``MQTTTextError``.
    func validate(mayBeAny: Bool) throws {
        let literals = Self.literals(of: self.template.text)
        if let wildcard = literals.unicodeScalars.first(where: { "+#\0".unicodeScalars.contains($0) }) {
            throw MQTTTextError(
                wildcard == "\0"
                    ? "a topic must not contain NUL"
                    : "'\(wildcard)' is a wildcard, which a topic to publish to cannot contain; leave it out"
            )
        }
        guard MQTTText.isHarmless(literals) else {
            throw MQTTTextError("a topic must not contain control characters")
        }
        for reserved in ["$share/", "$SYS/"] where self.template.staticPrefix.utf8.starts(with: reserved.utf8) {
            throw MQTTTextError("topics that begin with \(reserved) are reserved for the broker; choose another one")
        }
        if let constant = self.template.constant {
            guard !constant.isEmpty else { throw MQTTTextError("a topic has at least one character") }
            guard constant.utf8.count <= 65_535 else { throw MQTTTextError("a topic has at most 65535 bytes") }
        } else if self.levels.isFree, !mayBeAny {
            throw MQTTTextError(
                "the topic begins with a value of the event, so an event could choose any topic; begin it with fixed text such as bridge/, or"
                    + " write any_topic: true"
            )
        }
    }

    /// Renders the topic for the event that the reader holds.
    ///
    /// - Throws: ``Refusal``, also for a template that fails or misses a value.
    func render(_ reader: EventReader) throws(Refusal) -> String {
        if let constant = self.template.constant { return constant }
        let topic: String
        do {
            topic = try self.levels.render(reader)
        } catch {
            throw Refusal(reason: "the topic \(self.template.text) cannot be rendered: \(error)")
        }
        guard !topic.isEmpty else { throw Refusal(reason: "the topic rendered from \(self.template.text) is empty") }
        guard topic.utf8.count <= 65_535 else {
            throw Refusal(
                reason: "the topic rendered from \(self.template.text) has \(topic.utf8.count) bytes; 65535 are allowed")
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
