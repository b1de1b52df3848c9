import Testing

@testable import BridgeConfiguration

struct ConcealedTextsTests {
    private static func redacted(_ message: String, _ texts: [(String, String)]) -> String {
        var concealed = ConcealedTexts()
        for (value, written) in texts { concealed.add(value, writtenAs: written) }
        return concealed.redacted(message)
    }

    @Test func `texts are replaced wherever they occur`() {
        #expect(Self.redacted("'s3cret' and s3cret", [("s3cret", "${env:A}")]) == "'${env:A}' and ${env:A}")
        #expect(Self.redacted("nothing", [("s3cret", "${env:A}")]) == "nothing")
        #expect(Self.redacted("pässwörd", [("pässwörd", "${env:A}")]) == "${env:A}")
    }

    @Test func `of texts with the same beginning, the longest is replaced first`() {
        #expect(Self.redacted("abcdef abcd", [("abcd", "${env:A}"), ("abcdef", "${env:B}")]) == "${env:B} ${env:A}")
    }

    @Test func `texts of fewer than four bytes are not replaced`() {
        #expect(Self.redacted("a cat", [("cat", "${env:A}")]) == "a cat")
        #expect(Self.redacted("a cats", [("cats", "${env:A}")]) == "a ${env:A}")
    }

    @Test(.timeLimit(.minutes(1))) func `many texts and many messages are handled within the time limit`() {
        var concealed = ConcealedTexts()
        for number in 0..<20_000 { concealed.add("text \(number)", writtenAs: "${env:A}") }
        let messages = (0..<2_000).map { "message number \($0) of a file with mistakes" }
        #expect(messages.allSatisfy { concealed.redacted($0) == $0 })
    }
}

struct PrefixIndexTests {
    @Test func `names with a prefix are found, by bytes`() {
        let names = ["rooms/a", "rooms", "room", "", "rooms/é", "rooms/e\u{301}", "sooms/a"]
        let index = PrefixIndex(names.enumerated().map { (name: $0.element, value: $0.offset) })
        #expect(index.values(beginningWith: "rooms/") == [0, 4, 5])
        #expect(index.values(beginningWith: "rooms/é") == [4])
        #expect(index.values(beginningWith: "") == [0, 1, 2, 3, 4, 5, 6])
        #expect(index.values(beginningWith: "t") == [])
        #expect(PrefixIndex([]).values(beginningWith: "a") == [])
    }
}
