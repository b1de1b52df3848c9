import NIOCore
import Testing

@testable import BridgeCore

@Suite struct LogTextTests {
    private static func text(_ value: String) -> String {
        var buffer = ByteBuffer()
        LogText.write(value, to: &buffer)
        return String(buffer: buffer)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a/b_c-1.2", "a/b_c-1.2"), ("é", "é"), ("", #""""#), ("two words", #""two words""#),
        (#"a"b\c"#, #""a\"b\\c""#), ("a\nb\r\t", #""a\nb\r\t""#),
    ]) func `a value is quoted only if necessary`(_ value: String, _ text: String) {
        #expect(Self.text(value) == text)
    }

    @Test(arguments: [
        ("\u{1B}[31m", #""\u001b[31m""#), ("\u{9B}31m", #""\u009b31m""#), ("\u{7F}", #""\u007f""#), ("\u{85}", #""\u0085""#),
        ("\u{2028}", #""\u2028""#), ("\u{202E}gnp.exe", #""\u202egnp.exe""#), ("\u{FEFF}", #""\ufeff""#),
        ("\u{E0041}", #""\udb40\udc41""#),
    ]) func `terminal controls are escaped`(_ value: String, _ text: String) {
        #expect(Self.text(value) == text)
    }

    @Test(arguments: ["a", "ab", "é", "\u{1F600}", "e\u{301}\u{301}\u{301}"])
    func `a long value is truncated and followed by its size`(_ unit: String) {
        let value = String(repeating: unit, count: 100_000)
        let text = Self.text(value)
        #expect(text.hasPrefix("\"" + String(repeating: unit, count: 50)))
        #expect(text.hasSuffix("… (\(value.utf8.count) bytes)\""))
        #expect((LogText.limit - 4...LogText.limit + 30).contains(text.utf8.count))
        let whole = String(repeating: "x", count: LogText.limit)
        #expect(Self.text(whole) == whole)
    }
}
