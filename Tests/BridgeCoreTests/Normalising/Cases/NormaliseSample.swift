import NIOCore

@testable import BridgeCore

/// `normalise` of a source, read from JSON as the loader reads it from YAML.
struct NormaliseSample: Decodable {
    let settings: NormaliseSettings

    init(from decoder: any Decoder) throws {
        self.settings = try NormaliseSettings(settings: decoder)
    }

    static let now = Timestamp(milliseconds: 1_768_471_200_000)

    /// What a source with these settings makes of one message, which may be several events.
    ///
    /// - Parameter json: the mapping `normalise`.
    static func outcomes(
        _ json: String, _ body: ByteBuffer, subject: String = "zigbee2mqtt/hall_motion", contentType: String? = nil,
        upstreamID: String? = nil, attributes: [Attributes.Element] = [], compiler: (any ExpressionCompiler)? = nil
    ) throws -> [Normaliser.Outcome] {
        let settings = try decode(NormaliseSample.self, json, compiler: compiler).settings
        let normaliser = Normaliser(source: "in", settings: settings, bridge: "bridge")
        let message = ReceivedMessage(
            subject: subject, body: body, contentType: contentType, upstreamID: upstreamID, attributes: Attributes(attributes))
        let unpacked = normaliser.unpack([message]) { _ in false }
        normaliser.begin(unpacked.messages, now: self.now)
        defer { normaliser.endBatch() }
        return unpacked.messages.enumerated().map { normaliser.event(from: $0.element, at: $0.offset, now: self.now) }
    }

    /// The one event that a message becomes.
    static func outcome(
        _ json: String, _ body: String, subject: String = "zigbee2mqtt/hall_motion", contentType: String? = nil,
        upstreamID: String? = nil, attributes: [Attributes.Element] = [], compiler: (any ExpressionCompiler)? = nil
    ) throws -> Normaliser.Outcome {
        try self.outcomes(
            json, ByteBuffer(string: body), subject: subject, contentType: contentType, upstreamID: upstreamID,
            attributes: attributes, compiler: compiler)[0]
    }

    /// The event that a message becomes by the `set` of one case.
    static func event(set: String, _ body: String, subject: String = "zigbee2mqtt/hall_motion") throws -> Event {
        try self.outcome(#"{"cases":[{"set":\#(set)}]}"#, body, subject: subject).event
    }

    /// Why a `normalise` is refused.
    static func refusal(_ json: String) -> String { BridgeCoreTests.refusal(of: NormaliseSample.self, json) }
}

/// A language whose words are evaluated, and counted, in batches.
final class CountedLanguage: ExpressionCompiler, ExpressionEvaluator {
    func compile(_ text: String) throws -> any Expression { Word(text: text.trimmingSpaces, language: self) }

    func evaluate(
        _ inputs: [ExpressionInput], _ requests: [ExpressionRequest]
    ) -> [Result<ExpressionValue, ExpressionError>?] {
        requests.map { request in
            Result { try request.expression.evaluate(inputs[request.input]) }.mapError(ExpressionError.init(wrapping:))
        }
    }

    private final class Word: Expression {
        let text: String
        let language: CountedLanguage

        init(text: String, language: CountedLanguage) {
            self.text = text
            self.language = language
        }

        var evaluator: (any ExpressionEvaluator)? { self.language }
        var identity: ObjectIdentifier? { ObjectIdentifier(self) }

        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
            if self.text == "fail" { throw ExpressionError("it failed") }
            return .string("\(self.text) of \(input.subject)")
        }
    }
}
