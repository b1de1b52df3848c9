import Testing
import YAML

struct ComposerTests {
    /// A node written on one line, with the style of each scalar.
    private static func outline(_ node: Node?) -> String {
        switch node {
        case .scalar(let scalar):
            let quote =
                switch scalar.style {
                case .plain: ""
                case .singleQuoted: "'"
                case .doubleQuoted: "\""
                case .literal: "|"
                case .folded: ">"
                }
            return (scalar.tag.map { "<\($0)>" } ?? "") + quote + scalar.string + quote
        case .sequence(let sequence): return "[" + sequence.items.map(Self.outline).joined(separator: ", ") + "]"
        case .mapping(let mapping):
            return "{" + mapping.map { "\(Self.outline($0.key)): \(Self.outline($0.value))" }.joined(separator: ", ") + "}"
        case nil: return "nothing"
        }
    }

    @Test(arguments: [
        ("a: 1\nb: [x, 'y', \"z\\n\"]\n", "{a: 1, b: [x, 'y', \"z\n\"]}"),
        ("- |\n  one\n  two\n- >\n  three\n  four\n", "[|one\ntwo\n|, >three four\n>]"),
        ("base: &b { x: 1 }\nuse: *b\n", "{base: {x: 1}, use: {x: 1}}"),
        ("a: &x 1\nb: &x 2\nc: *x", "{a: 1, b: 2, c: 2}"),
        ("? [1, 2]\n: pair", "{[1, 2]: pair}"),
        ("a: !secret p\nb: !!str 5", "{a: <!secret>p, b: <tag:yaml.org,2002:str>5}"),
        ("é: 'ü\u{1F600}'", "{é: 'ü\u{1F600}'}"),
        ("empty:", "{empty: }"),
        ("", "nothing"), ("# a comment", "nothing"), ("---\n...\n", ""),
    ])
    func `A text becomes values with their styles and tags`(text: String, outline: String) throws {
        #expect(try Self.outline(Composer.compose(text)) == outline)
    }

    @Test func `A value knows its line and its column in Unicode scalars`() throws {
        let root = try #require(try Composer.compose("a: 1\n🎉é: [x, yz]\n"))
        let sequence = try #require(root.mapping?["🎉é"])
        #expect(sequence.mark == Mark(line: 2, column: 5))
        #expect(sequence.sequence?[1].mark == Mark(line: 2, column: 9))
    }

    @Test(arguments: [
        ("a: 1\na: 2", Mark(line: 2, column: 1)), ("{ a: 1, b: 2, a: 3 }", Mark(line: 1, column: 15)),
        ("a: 1\n\"a\": 2", Mark(line: 2, column: 1)),
    ])
    func `A duplicate key is refused at its location`(text: String, mark: Mark) {
        #expect(throws: YAMLError(reason: .duplicateKey("a"), mark: mark)) { try Composer.compose(text) }
    }

    @Test(arguments: [
        ("a: *nope", YAMLError(reason: .undefinedAlias, mark: Mark(line: 1, column: 4))),
        ("a: &a [*a]", YAMLError(reason: .undefinedAlias, mark: Mark(line: 1, column: 8))),
        ("a: 1\n---\nb: 2", YAMLError(reason: .secondDocument, mark: Mark(line: 2, column: 1))),
        ("é: 1\nb: \u{1}", YAMLError(reason: .character(1), mark: Mark(line: 2, column: 4))),
        (
            "a: 'x",
            YAMLError(
                reason: .syntax(
                    problem: "found unexpected end of stream", context: "while scanning a quoted scalar",
                    contextMark: Mark(line: 1, column: 4)), mark: Mark(line: 1, column: 6))
        ),
    ])
    func `A text that is not one document is refused with the reason and the location`(text: String, error: YAMLError) {
        #expect(throws: error) { try Composer.compose(text) }
    }

    @Test func `Values can be nested up to the limit and no deeper`() throws {
        let limit = Composer.maximumDepth
        let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        #expect(try Composer.compose(deepest) != nil)
        #expect(throws: YAMLError(reason: .tooDeep, mark: Mark(line: 1, column: limit + 1))) {
            try Composer.compose("[" + deepest + "]")
        }
        #expect(throws: YAMLError.self) { try Composer.compose(String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLError.self) { try Composer.compose(String(repeating: "- ", count: 100_000)) }
    }

    @Test func `A mapping finds its keys, small or large`() throws {
        for count in [3, 8, 9, 500] {
            let text = (0..<count).map { "key\($0): \($0)\n" }.joined()
            let mapping = try #require(try Composer.compose(text)?.mapping)
            #expect(mapping.count == count)
            #expect((0..<count).allSatisfy { mapping["key\($0)"]?.string == "\($0)" })
            #expect(mapping["key\(count)"] == nil)
        }
    }
}
