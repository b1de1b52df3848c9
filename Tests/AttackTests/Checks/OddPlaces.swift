/// Values of `Last-Event-ID` and `since` that no stream has written.
enum OddPlaces {
    /// As a header field and as a query.
    static let all: [(header: String, query: String)] = [
        "", "0", "-1", "99999999999999999999999", "18446744073709551615", "18446744073709551616", "-", "--", "a-", "-1-1",
        "abc-0", "abc-18446744073709551615",
        "abc-18446744073709551616", "abc-01", "ABC-1", "a b-1", "10m", "-10m", "99999999999999d", "1e9s", "0s", "292277026596y",
        "2026-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z", "9999-99-99T99:99:99Z", "+999999-01-01T00:00:00Z", "1970-01-01T00:00:00+99:99", "earliest",
        "latest", "EARLIEST", "null", "undefined",
        "NaN", "Infinity", "../../etc/passwd", "%", "{}", "[]", "'", "\"", "a,b", "a;b", "a:b", "abc-1,def-2",
        String(repeating: "1", count: 60),
        String(repeating: "a", count: 63) + "-1", String(repeating: "a", count: 5000), String(repeating: "a-1,", count: 1000),
        String(repeating: "-", count: 3000),
        "\u{E9}-1", "\u{1F600}", "\u{7F}", "\t", " ", "abc-1 ", " abc-1", "abc\u{A0}-1",
    ].map { text in
        (text, text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}
