import NIOCore
import Testing

@testable import BridgeCore

/// Several blocks of `normalise`: which one reads a message.
struct BlocksTests {
    /// `normalise` of a source, read from JSON as the loader reads it from YAML.
    private struct Sample: Decodable {
        let blocks: NormaliseBlocks

        init(from decoder: any Decoder) throws { self.blocks = try SettingCodec<NormaliseBlocks>.normalise.read(decoder) }
    }

    private static let now = NormaliseSample.now

    private static func normaliser(_ json: String, compiler: (any ExpressionCompiler)? = nil) throws -> Normaliser {
        Normaliser(source: "in", blocks: try decode(Sample.self, json, compiler: compiler).blocks, bridge: "bridge")
    }

    private static func message(_ subject: String, _ body: String = #"{"a":1}"#, type: String? = nil) -> ReceivedMessage {
        ReceivedMessage(subject: subject, body: ByteBuffer(string: body), contentType: type)
    }

    /// The outcomes of a batch, as a source makes them.
    private static func outcomes(_ normaliser: Normaliser, _ messages: [ReceivedMessage]) -> [Normaliser.Outcome] {
        let unpacked = normaliser.unpack(messages, isKnown: { _ in false }, now: self.now)
        normaliser.begin(unpacked.messages, now: self.now)
        defer { normaliser.endBatch() }
        return unpacked.messages.enumerated().map { normaliser.event(from: $0.element, at: $0.offset, now: self.now) }
    }

    private static let two = """
        [{"match":{"subject":"zig/#"},"cases":[{"match":{"payload.a":1},"set":{"title":"one"}}]},
         {"match":{"subject":"tas/#"},"title":"two","decode":["base64","json"]}]
        """

    @Test func `the first block that matches reads a message, and none means automatic reading`() throws {
        let normaliser = try Self.normaliser(Self.two)
        let messages = [
            Self.message("tas/x", "eyJhIjozfQ=="), Self.message("zig/x"), Self.message("other/lamp"),
            Self.message("zig/y", #"{"a":2}"#),
        ]
        let events = Self.outcomes(normaliser, messages).map(\.event)
        #expect(events.map(\.title) == ["two", "one", "other/lamp", "zig/y"])
        #expect(events.map { $0.payload.map { String(buffer: $0) } } == [#"{"a":3}"#, #"{"a":1}"#, #"{"a":1}"#, #"{"a":2}"#])
        // Alone, each is read as in the batch.
        for (message, event) in zip(messages, events) {
            #expect(normaliser.wholeEvent(of: message, now: Self.now).title == event.title)
        }
    }

    @Test func `a condition on the content chooses by the message as it arrives`() throws {
        let normaliser = try Self.normaliser(
            """
            [{"match":{"payload.kind":"alert"},"root":".payload.body","title":"alert"},
             {"match":{"subject":"in/#","attributes.x-kind":"log"},"title":"log"}, {"title":"rest"}]
            """)
        var logged = Self.message("in/a")
        logged.attributes = Attributes([("x-kind", "log")])
        let outcomes = Self.outcomes(
            normaliser, [Self.message("in/a", #"{"kind":"alert","body":{"b":2}}"#), logged, Self.message("in/a")])
        #expect(outcomes.map(\.event.title) == ["alert", "log", "rest"])
        #expect(outcomes[0].event.payload.map { String(buffer: $0) } == #"{"b":2}"#)
        #expect(outcomes.allSatisfy { $0.failures.isEmpty })
    }

    @Test func `each item of a list that is split is read by the block of its message`() throws {
        let normaliser = try Self.normaliser(
            #"[{"match":{"payload.items":{"exists":true}},"split":".payload.items","title":"item"},{"title":"whole"}]"#)
        let outcomes = Self.outcomes(
            normaliser, [Self.message("s"), Self.message("s", #"{"items":[{"a":1},{"a":2}]}"#), Self.message("s")])
        #expect(outcomes.map(\.event.title) == ["whole", "item", "item", "whole"])
    }

    @Test func `expressions of several blocks are evaluated for the messages of each`() throws {
        let language = CountedLanguage()
        let normaliser = try Self.normaliser(
            #"[{"match":{"subject":"a/#"},"title":"{{ up }}"},{"match":{"subject":"b/#"},"title":"{{ down }}"}]"#,
            compiler: language)
        let outcomes = Self.outcomes(normaliser, ["b/1", "a/1", "c/1", "a/2", "b/2"].map { Self.message($0) })
        #expect(outcomes.map(\.event.title) == ["down of b/1", "up of a/1", "c/1", "up of a/2", "down of b/2"])
    }

    @Test func `a block without rules reads automatically, and a case may drop`() throws {
        let normaliser = try Self.normaliser(
            #"[{"match":{"subject":"raw/#"}},{"cases":[{"match":{"subject":"+/x"},"drop":true},{"set":{"title":"t"}}]}]"#)
        let outcomes = Self.outcomes(normaliser, ["raw/x", "other/x", "other/y"].map { Self.message($0) })
        #expect(outcomes.map(\.isNoise) == [false, true, false])
        #expect(outcomes.map(\.event.title) == ["raw/x", "other/x", "t"])
    }

    @Test func `the blocks of subjects are remembered within bounds`() throws {
        let choice = try #require(BlockChoice(try decode(Sample.self, Self.two).blocks))
        for number in 0..<(SubjectCases.capacity * 2 + 10) {
            #expect(choice.block(for: "tas/\(number)") == 1 && choice.block(for: "none/\(number)") == choice.automatic)
            #expect(choice.rememberedSubjects <= SubjectCases.capacity)
        }
        #expect(choice.block(for: "zig/" + String(repeating: "x", count: SubjectCases.longestSubject)) == 0)
        #expect(try BlockChoice(decode(Sample.self, #"{"title":"t"}"#).blocks) == nil)
    }

    @Test func `where some blocks decode, they read a webhook's form as it was sent and the others its object`() throws {
        let blocks = try decode(Sample.self, Self.two).blocks
        #expect(blocks.opening == .divides)
        #expect(try decode(Sample.self, #"[{"match":{"subject":"a"},"title":"t"}]"#).blocks.opening == .nothing)
        #expect(try decode(Sample.self, #"{"decode":"json"}"#).blocks.opening == .decodes)
        let normaliser = Normaliser(source: "in", blocks: blocks, bridge: "bridge")
        var form = Self.message("tas/x", #"{"eyJhIjozfQ":"="}"#, type: nil)
        form.original = ByteBuffer(string: "eyJhIjozfQ==")
        #expect(normaliser.wholeEvent(of: form, now: Self.now).payload.map { String(buffer: $0) } == #"{"a":3}"#)
        form.subject = "other"
        #expect(normaliser.wholeEvent(of: form, now: Self.now).payload.map { String(buffer: $0) } == #"{"eyJhIjozfQ":"="}"#)
    }

    @Test(arguments: [
        ("[]", "is empty; write a block, or leave it out"),
        (
            #"[{"title":"t"},{"match":{"subject":"a"},"title":"u"}]"#,
            "Index 1: is never reached, because the block before it matches every message; add match: there, or move it to the end"
        ),
        (#"[{"match":{"source":"a"},"title":"t"}]"#, "Index 0.match.source: is the source itself here; leave it out"),
        (#"[{"titel":"t"}]"#, "Index 0.titel: unknown key 'titel'; did you mean 'title'?"),
        (#"[{"match":{"subject":"a"},"cases":[]}]"#, "Index 0.cases: is empty; write a case, or leave it out"),
    ])
    func `a mistake is refused at its place`(json: String, message: String) {
        #expect(refusal(of: Sample.self, json) == message)
    }
}
