import BridgeCore
import YAML

/// Decodes a part of the file into a type, and reports every bad value with the remedy.
struct SettingsDecoding {
    let findings: Findings
    let userInfo: [CodingUserInfoKey: any Sendable]

    /// Decodes with a closure of the adapter or of the core, and lets it validate the result.
    ///
    /// One decoding ends at the first bad value: that one is reported and replaced by a valid one, and the rest is
    /// decoded again, so that all are reported.
    ///
    /// - Returns: `nil` when there is any mistake.
    func decode<Value>(
        _ place: Located, as decode: @escaping (any Decoder) throws -> Value, validate: (Value) throws -> Void = { _ in }
    ) -> Value? {
        func attempt(_ place: Located) -> Result<Value, Failure> {
            do {
                let value = try Box<Value>(from: NodeDecoder(place.node, userInfo: self.boxed(decode))).value
                try validate(value)
                return .success(value)
            } catch {
                return .failure(Failure(error))
            }
        }
        var place = place
        var outcome = attempt(place)
        if case .success(let value) = outcome { return value }
        var reported: [[any CodingKey]] = []
        for _ in 0..<Self.mostMistakes {
            // What stands in for a bad value may itself be refused later.
            guard case .failure(let failure) = outcome, !reported.contains(where: failure.path.isWithin) else { return nil }
            reported.append(failure.path)
            let wrong = failure.isAboutKey ? place.key(at: failure.path) : place.descend(failure.path)
            self.findings.error(Self.completed(failure, at: wrong), at: wrong, rule: failure.rule)
            // A mistake of the whole may be caused by what is left of it.
            guard !failure.path.isEmpty, let next = StandIn.replacing(failure, in: place, attempt) else { return nil }
            (place, outcome) = next
            if case .failure(let next) = outcome, next.path.isEmpty { return nil }
        }
        return nil
    }

    /// More are rarely worth reading.
    private static let mostMistakes = 32

    func decode<Value: Decodable>(_ place: Located, as type: Value.Type) -> Value? {
        self.decode(place) { try Value(from: $0) }
    }

    /// The message with details that only the file has.
    private static func completed(_ failure: Failure, at place: Located) -> String {
        let isItself = place.path.last == failure.path.last?.stringValue
        let mapping = "must be a mapping of keys to values"
        if place.node.sequence != nil, failure.message.hasPrefix(mapping) {
            return "\(mapping); remove the '- ' in front of the keys"
        }
        if isItself, place.isNull, let remedy = failure.message.firstRange(of: "; ") {
            return "has no value\(failure.message[remedy.lowerBound...])"
        }
        return failure.message + Self.shapeHint(failure.message, place) + Self.quotesHint(failure.message, place)
    }

    /// What to do about a list where a mapping is meant, and the reverse.
    private static func shapeHint(_ message: String, _ place: Located) -> String {
        switch (message, place.node) {
        case ("must be a list", .mapping): "; write '- ' in front of each item"
        case ("must be a list", .scalar(let scalar)) where !scalar.isNull: "; write it in brackets, such as [a, b]"
        case ("must be text", .sequence): "; write one value, not a list"
        default: ""
        }
    }

    /// What to do about `qos: "1"`: in quotes every value is text; and about quotes that are none in YAML.
    private static func quotesHint(_ message: String, _ place: Located) -> String {
        if case .scalar(let scalar) = place.node, scalar.style == .plain, let first = scalar.string.first,
            "“”„‘’«»".contains(first)
        {
            return "; '\(first)' is not a quotation mark in YAML; write \" or '"
        }
        guard case .scalar(let scalar) = place.node, scalar.style == .doubleQuoted || scalar.style == .singleQuoted else {
            return ""
        }
        let isMeant =
            switch message {
            case "must be a whole number": Int(scalar.string) != nil
            case "must be a number": Double(scalar.string) != nil
            case "must be true or false": scalar.string == "true" || scalar.string == "false"
            default: false
            }
        return isMeant ? "; write it without quotes" : ""
    }

    private func boxed<Value>(_ decode: @escaping (any Decoder) throws -> Value) -> [CodingUserInfoKey: Any] {
        var userInfo: [CodingUserInfoKey: Any] = self.userInfo
        userInfo[Box<Value>.key] = decode
        return userInfo
    }

    /// Passes a decoder to a closure.
    private struct Box<Value>: Decodable {
        static var key: CodingUserInfoKey { CodingUserInfoKey(rawValue: "streambridge.decode")! }
        let value: Value

        init(from decoder: any Decoder) throws {
            guard let decode = decoder.userInfo[Self.key] as? (any Decoder) throws -> Value else {
                preconditionFailure("the closure that decodes is missing")
            }
            self.value = try decode(decoder)
        }
    }

    /// A decoding error in words for people.
    struct Failure: Error {
        let path: [any CodingKey]
        let message: String
        /// Whether the last key of ``path`` is itself the mistake.
        var isAboutKey = false
        private var isAbsence = false

        var rule: Diagnostic.Rule { self.isAboutKey ? .unknownKey : self.isAbsence ? .missing : .setting }

        init(_ error: any Error) {
            switch error {
            case let error as SettingError:
                self.path = error.path
                self.message = error.message
                self.isAboutKey = error.isAboutKey
            case DecodingError.keyNotFound(let key, let context):
                self.path = context.codingPath + [key]
                self.message = "'\(key.stringValue)' is missing"
                self.isAbsence = true
            case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
                self.path = context.codingPath
                self.message = "must be \(Self.name(of: type))"
            case DecodingError.dataCorrupted(let context):
                self.path = context.codingPath
                self.message = context.debugDescription
            default:
                self.path = []
                self.message = "\(error)"
            }
        }

        private static func name(of type: Any.Type) -> String {
            switch type {
            case is Int.Type, is Int64.Type, is UInt16.Type, is UInt.Type: "a whole number"
            case is Double.Type: "a number"
            case is Bool.Type: "true or false"
            case is String.Type, is Node.Scalar.Type, is Secret.Type: "text"
            case is Node.Mapping.Type: "a mapping of keys to values"
            case is Node.Sequence.Type: "a list"
            default: "another kind of value"
            }
        }
    }
}
