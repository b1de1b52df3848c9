import BridgeCore
import NIOCore

/// An event with everything in it that a route can look at.
func sampleEvent(
    id: String = "msg_1", title: String? = "Door open", message: String = "The door of the shed is open", priority: Int? = 4,
    tags: [String] = ["Door", "shed"], payload: String? = nil, source: String = "home", subject: String = "house/shed/door",
    attributes: [(String, String)] = [], raw: String = "", kind: Event.Kind = .message,
    time: Timestamp? = nil
) -> Event {
    Event(
        id: id, title: title, message: message, priority: priority, tags: tags,
        timestamp: time ?? Timestamp(milliseconds: 1_768_471_200_000), payload: payload.map { ByteBuffer(string: $0) },
        source: source,
        subject: subject, attributes: Attributes(attributes.map { (name: $0.0, value: $0.1) }), raw: ByteBuffer(string: raw),
        kind: kind, limits: EventLimits()
    )
}

/// Whether a filter takes an event.
func takes(_ filter: String, _ event: Event) throws -> Bool {
    let reader = EventReader()
    reader.load(event)
    return try decode(Matcher.self, filter).matches(reader)
}

/// A language for tests: `fail`, `true`, `false`, `null`, `empty`, `text:…`, `json:…`, `number:…`.
struct WordCompiler: ExpressionCompiler {
    var evaluated: @Sendable () -> Void = {}

    func compile(_ text: String) throws -> any Expression {
        let word = text.split(separator: " ").joined(separator: " ")
        guard word != "wrong" else { throw ExpressionError("no such word", line: 1) }
        return Word(text: word, evaluated: self.evaluated)
    }

    struct Word: Expression {
        let text: String
        let evaluated: @Sendable () -> Void

        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
            self.evaluated()
            switch self.text {
            case "fail": throw ExpressionError("it failed")
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            case "empty": return .none
            default: break
            }
            let parts = self.text.split(separator: ":", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "text": return .string(parts[1])
            case "number": return .number(Double(parts[1])!)
            default: return .json(parts.last!)
            }
        }
    }
}
