import BridgeTesting
import Expressions
import FoundationEssentials
import NIOCore
import Testing

@testable import BridgeCore

/// An object with several members of one name is read alike by everything that reads it: the last one counts, as in jq.
@Suite struct RepeatedMemberTests {
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)
    private static let body = #"{"title":"first","message":"m1","n":1,"o":{"v":"a","v":"b"},"n":2,"title":"last","message":"m2"}"#

    private static func event() -> Event {
        Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bridge").event(
            from: ReceivedMessage(subject: "s", body: ByteBuffer(string: self.body)), now: Timestamp(milliseconds: 0)
        ).event
    }

    @Test func `normalising takes the last`() {
        let event = Self.event()
        #expect(event.title == "last")
        #expect(event.message == "m2")
    }

    @Test func `the model's own names take the last in JSON that has the model's shape`() {
        let body = #"{"title":"first","title":"last","message":"m","payload":1,"payload":{"x":2}}"#
        let event = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bridge").event(
            from: ReceivedMessage(subject: "s", body: ByteBuffer(string: body)), now: Timestamp(milliseconds: 0)
        ).event
        #expect(event.title == "last")
        #expect(event.message == "m")
    }

    @Test(arguments: [
        (#"{"payload.n": 2, "payload.o.v": "b", "payload.title": "last"}"#, true), (#"{"payload.n": 1}"#, false),
        (#"{"payload.o.v": "a"}"#, false), (#"{"title": "last"}"#, true), (#"{"title": "first"}"#, false),
    ])
    func `match takes the last`(filter: String, isTaken: Bool) throws {
        let reader = EventReader()
        reader.load(Self.event())
        #expect(try JSONDecoder().decode(Matcher.self, from: Data(filter.utf8)).matches(reader) == isTaken)
    }

    @Test(arguments: [
        // Without parentheses a path is read by the program itself, with them by libjq.
        ("{{ .payload.n }}", "2"), ("{{ (.payload.n) }}", "2"), ("{{ .payload.o.v }}", "b"), ("{{ (.payload.o.v) }}", "b"),
        (#"{{ .payload["title"] }}"#, "last"), (#"{{ (.payload | .title) }}"#, "last"), ("{{ .title }}", "last"),
        ("{{ (.title) }}", "last"), ("{{ .payload.n + 0 }}", "2"),
    ])
    func `templates and expressions take the last`(template: String, expected: String) throws {
        let reader = EventReader()
        reader.load(Self.event())
        #expect(try Template(template, compiler: Self.compiler).render(reader) == expected)
    }
}
