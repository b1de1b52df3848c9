import BridgeTesting
import JSON
import NIOCore
import Testing

@testable import BridgeCore

/// The short way for the model's own JSON brings nothing but what the long way brings.
struct CanonicalShapeTests {
    private static let bodies = [
        #"{"id":"msg_1","title":"T","message":"M","priority":4,"tags":["a","b c"],"timestamp":"2026-01-15T10:00:00.123Z"}"#,
        #"{"id":"msg_2","title":"","message":"","timestamp":"2000-02-29T23:59:59.999Z","payload":{"x":[1,2.50,"\u00e9"],"payload":3}}"#,
        #"{"id":"msg_3","title":"door","message":"it is open","tags":["home"],"timestamp":"1969-12-31T00:00:00.000Z","payload":null}"#,
    ]

    @Test(arguments: Self.bodies)
    func `rendered JSON is used unchanged`(body: String) {
        let buffer = ByteBuffer(string: body)
        #expect(CanonicalShape(limits: EventLimits()).draft(buffer)?.json == buffer)
        #expect(Self.event(body).event.json == buffer)
        #expect(Self.event(body).isNative)
        Self.compare(body)
    }

    @Test func `a title or message that is too long is cut as ever`() {
        let long =
            #"{"id":"a","title":"\#(String(repeating: "t", count: 201))","message":"m","timestamp":"2026-01-15T10:00:00.123Z"}"#
        #expect(CanonicalShape(limits: EventLimits()).draft(ByteBuffer(string: long)) == nil)
        #expect(Self.event(long).event.title?.utf16.count == 200)
        Self.compare(long)
    }

    @Test func `a title is added to events without one`() {
        let limits = EventLimits(absentTitle: "none")
        #expect(CanonicalShape(limits: limits).draft(ByteBuffer(string: Self.bodies[1])) == nil)
        #expect(CanonicalShape(limits: limits).draft(ByteBuffer(string: Self.bodies[0])) != nil)
    }

    /// What is taken must be read again when it comes from the disk.
    @Test(arguments: [510, 511, 512, 513])
    func `a payload may be as deep as a document less one level`(levels: Int) {
        let payload = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        let body = #"{"id":"a","title":"t","message":"m","timestamp":"2026-01-15T10:00:00.123Z","payload":\#(payload)}"#
        let isTaken = CanonicalShape(limits: EventLimits()).draft(ByteBuffer(string: body)) != nil
        #expect(isTaken == ((try? JSONParser().parse(ByteBuffer(string: body))) != nil))
        Self.compare(body)
    }

    @Test(arguments: ["", " 1", "1 ", "1,2", "[1", #"1,"id":"b""#, "nul", "{}}"])
    func `a payload that is not a document takes the general path`(payload: String) {
        let body = #"{"id":"a","title":"t","message":"m","timestamp":"2026-01-15T10:00:00.123Z","payload":\#(payload)}"#
        #expect(CanonicalShape(limits: EventLimits()).draft(ByteBuffer(string: body)) == nil)
        Self.compare(body)
    }

    @Test(arguments: 1...20)
    func `a body with any byte changed becomes the same event either way`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var bytes = Array(Self.bodies.randomElement(using: &generator)!.utf8)
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = Array(#"{}[]",:\ 0159abTZ-.e"#.utf8).randomElement(using: &generator)!
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: bytes.remove(at: place)
                }
            }
            Self.compare(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func event(_ body: String) -> Normaliser.Outcome {
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "here")
        return normaliser.event(
            from: ReceivedMessage(subject: "subject", body: ByteBuffer(string: body)), now: Timestamp(milliseconds: 1)
        )
    }

    /// A space before it has a body take the long way.
    private static func compare(_ body: String, _ location: SourceLocation = #_sourceLocation) {
        let (short, long) = (Self.event(body), Self.event(" " + body))
        // What is no JSON is text, and there the space stays.
        guard body.first == "{", short.isNative || long.isNative || long.event.payload != nil else { return }
        #expect(short.isNative == long.isNative, "\(body)", sourceLocation: location)
        #expect(short.event.title == long.event.title, "\(body)", sourceLocation: location)
        #expect(short.event.message == long.event.message, "\(body)", sourceLocation: location)
        #expect(short.event.priority == long.event.priority, "\(body)", sourceLocation: location)
        #expect(short.event.tags == long.event.tags, "\(body)", sourceLocation: location)
        #expect(short.event.timestamp == long.event.timestamp, "\(body)", sourceLocation: location)
        #expect(short.event.payload == long.event.payload, "\(body)", sourceLocation: location)
        guard short.isNative else { return }
        #expect(short.event.id == long.event.id, "\(body)", sourceLocation: location)
        #expect(short.event.json == long.event.json, "\(body)", sourceLocation: location)
    }
}
