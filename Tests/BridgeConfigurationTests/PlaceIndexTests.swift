import BridgeCore
import Testing

@testable import BridgeConfiguration

struct PlaceIndexTests {
    private static func written(_ name: String, kind: String = "topic", server: String = "s") -> WrittenPlace {
        WrittenPlace(
            setting: SettingKey("topic"), kind: kind, server: server, name: name, marks: .none, content: "format: raw",
            remedy: "write another")
    }

    private static func read(_ names: ReadPlace.Names, kind: String = "topic", server: String = "s") -> ReadPlace {
        ReadPlace(kind: kind, server: server, shown: "it", names: names)
    }

    @Test(arguments: [
        ("home/+/x1", SubjectPattern.Syntax.mqtt), ("+/x1", .mqtt), ("room7/#", .mqtt), ("room7:*", .glob), ("*:room7", .glob),
    ]) func `a look-up among 3,000 patterns compares few of them`(_ example: String, syntax: SubjectPattern.Syntax) throws {
        let number = example.contains("7") ? "7" : "1"
        let patterns = (0..<3000).map { example.replacing(number, with: "\($0)") }
        let index = PlaceIndex(patterns.map { [Self.read(.init($0, syntax: syntax))] })
        for source in [0, 7, 2999] {
            let name = patterns[source].replacing("+", with: "a").replacing("#", with: "b/c").replacing("*", with: "d")
            let (readers, steps) = index.found(Self.written(name))
            #expect(readers.map(\.source) == [source])
            #expect(readers.allSatisfy { $0.loss != nil })
            #expect(steps < 20, "\(name)")
        }
        #expect(index.readers(of: Self.written("elsewhere")).isEmpty)
    }

    @Test func `names that differ in their bytes are different places`() {
        let composed = "caf\u{e9}"
        let decomposed = "cafe\u{301}"
        let index = PlaceIndex([
            [Self.read(.one(composed))], [Self.read(.init("\(composed)/#", syntax: .mqtt))],
            [Self.read(.one("x"), server: composed)],
        ])
        #expect(index.readers(of: Self.written(composed)).map(\.source) == [0, 1])
        #expect(index.readers(of: Self.written(decomposed)).isEmpty)
        #expect(index.readers(of: Self.written("\(decomposed)/a")).isEmpty)
        #expect(index.readers(of: Self.written("x", server: composed)).map(\.source) == [2])
        #expect(index.readers(of: Self.written("x", server: decomposed)).isEmpty)
        #expect(!Self.written(composed).isRead(at: Self.read(.one(decomposed))))
        #expect(!Self.written("x", server: composed).isRead(at: Self.read(.one("x"), server: decomposed)))
    }

    @Test func `resources that differ in their bytes are different`() {
        let resources = ["caf\u{e9}", "cafe\u{301}"].map { Resource("file", $0) }
        #expect(resources[0] != resources[1] && Set(resources).count == 2)
        #expect(resources[0] == Resource("file", "caf\u{e9}"))
    }

    @Test func `a source is named once, and the empty pattern matches the empty name only`() {
        let index = PlaceIndex([
            [Self.read(.init("a/#", syntax: .mqtt)), Self.read(.init("a/+", syntax: .mqtt)), Self.read(.one("a/b"))]
        ])
        #expect(index.readers(of: Self.written("a/b")).map(\.source) == [0])
        let empty = PlaceIndex([[Self.read(.init("", syntax: .glob))]])
        #expect(empty.readers(of: Self.written("")).count == 1 && empty.readers(of: Self.written("a")).isEmpty)
    }
}
