import Testing

@testable import BridgeCore

/// `part`: patterns with a hole.
struct TextPartTests {
    @Test(
        arguments: [
            ("refs/*/{}", "refs/heads/main", "main"), ("refs/*/{}", "refs/heads/a/b", "a/b"), ("refs/*/{}", "refs/heads", nil),
            ("refs/*/{}", "Refs/heads/a", nil), ("{}/*", "a/b/c", "a"), ("*/{}/*", "a/b/c/d", "b"), ("{}.*", "a.b", "a"),
            ("*:{}:*", "bull:orders:events", "orders"), ("x-{}", "x-", nil), ("{}-x", "a-x-x", "a-x"), ("a{}b", "ab", nil),
            ("a{}b", "aüb", "ü"), ("zigbee2mqtt/{}/availability", "zigbee2mqtt/kitchen/lamp/availability", "kitchen/lamp"),
            ("*/{}/availability", "a/availability", nil), ("({})", "(x)", "x"), (#"\\*{}\\*"#, "*x*", "x"),
            (#"\\{}{}"#, "{}y", "y"),
            ("aab{}", "aaab1", nil), ("*aab{}", "aaab1", "1"), ("*aab{}", "", nil),
        ] as [(String, String, String?)])
    func `the part at the hole is found`(pattern: String, text: String, part: String?) throws {
        #expect(try TextPart(pattern.replacing(#"\\"#, with: #"\"#)).part(of: text) == part)
    }

    @Test(.timeLimit(.minutes(1))) func `a long text that never fits takes little time`() throws {
        let text = String(repeating: "a", count: 1 << 20)
        #expect(try TextPart("*\(String(repeating: "a", count: 500))b{}").part(of: text) == nil)
    }
}
