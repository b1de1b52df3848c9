/// Documents at and beyond the edges of RFC 8259.
enum HostileJSON {
    /// - Parameter size: from 1 to 10, at which the largest have nearly a mebibyte.
    static func all(size: Int) -> [String] {
        [
            nested("[", 50_000 * size, "]"), nested("[", 50_000 * size, ""), nested("{\"a\":", 15_000 * size, "}", "1"),
            nested("[[],", 10_000 * size, "]", "1"), nested("[", 511, "]"), nested("[", 512, "]"),
            nested("[", 513, "]"), "{\"a\":\"\(String(repeating: "x", count: 90_000 * size))\"}",
            "{\"\(String(repeating: "k", count: 90_000 * size))\":1}",
            "[\(String(repeating: "1,", count: 45_000 * size))1]", "[\(String(repeating: "{},", count: 30_000 * size))1]",
            "{\(String(repeating: "\"a\":1,", count: 10_000 * size))\"a\":\"x\"}",
            "{\((0..<6_000 * size).map { "\"k\($0)\":1" }.joined(separator: ","))}",
            "{\"message\":\"a\",\"message\":\"b\",\"title\":\"t\",\"title\":null}",
            "{\"a\":1e999999999}", "{\"a\":\(String(repeating: "9", count: 50_000 * size))}",
            "{\"a\":0.\(String(repeating: "0", count: 50_000 * size))1}", "{\"a\":-}", "{\"a\":01}", "{\"a\":.5}", "{\"a\":+1}",
            "{\"a\":NaN}", "{\"a\":Infinity}",
            "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\\ud800\"}", "{\"a\":\"\\u0000\"}", "{\"\\u0000\":1,\"\":2}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\t\"}", "{\"a\":1,}", "[1,]", "{,}", "{a:1}", "{'a':1}", "/* c */{}", "{}//",
            "\u{FEFF}{}", "{} {}", "null", "true", "\"x\"", "", " ", "\u{0}", "{\"a\":\u{0}}",
            String(repeating: "\"", count: 10_000 * size), String(repeating: "\\", count: 10_000 * size),
            "\"\(String(repeating: "\\u0041", count: 10_000 * size))\"",
            "\"\(String(repeating: "\\ud83d\\ude00", count: 7_000 * size))\"",
            "{\"tags\":[\(String(repeating: "\"t\",", count: 20_000 * size))\"t\"]}",
            "{\"id\":\"\(String(repeating: "i", count: 10_000 * size))\",\"message\":\"m\",\"timestamp\":\"2026-01-01T00:00:00Z\"}",
            "{\"timestamp\":\"9999-99-99T99:99:99Z\",\"priority\":1e400,\"tags\":{},\"message\":[]}",
        ]
    }

    private static func nested(_ open: String, _ count: Int, _ close: String, _ core: String = "") -> String {
        String(repeating: open, count: count) + core + String(repeating: close, count: count)
    }
}
