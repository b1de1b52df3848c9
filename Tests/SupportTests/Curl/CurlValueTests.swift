import Curl
import Testing

@Suite struct CurlValueTests {
    @Test(
        arguments: [
            ("http://a", nil), ("HTTPS://a.b:8443/c?d=e%20f", nil), ("http://[::1]:80/", nil),
            ("ftp://a", "must begin with http:// or https://"), ("a.b/c", "must begin with http:// or https://"),
            ("http:///c", "names no host"), ("http://:80/", "names no host"), ("http://?a", "names no host"),
            ("http://u:p@a/", "must not hold a user or password; there are settings for them"),
            ("http://a/b c", "must not hold spaces, control characters or letters beyond ASCII; write them as %20 and the like"),
            (
                "http://a/\u{e9}",
                "must not hold spaces, control characters or letters beyond ASCII; write them as %20 and the like"
            ),
            ("http://a/b#c", "must not contain '#', which is never sent to a server"), ("http://a/@b", nil),
        ] as [(String, String?)])
    func `an address is checked`(_ url: String, _ problem: String?) {
        #expect(CurlRequest.problem(withURL: url) == problem)
    }

    @Test func `header names and values are checked`() {
        #expect(CurlRequest.isHeaderName("X-Api_Key.1"))
        for name in ["", "a b", "a:", "\u{e9}", "a\n"] { #expect(!CurlRequest.isHeaderName(name)) }
        for value in ["", "a b", "a\tb", "\u{e9}"] { #expect(CurlRequest.isHeaderValue(value)) }
        for value in [" a", "a ", "\ta", "a\r", "a\nb", "\0", "\u{7f}"] { #expect(!CurlRequest.isHeaderValue(value)) }
    }

    @Test func `addresses and headers have a length`() {
        let url = "http://a/" + String(repeating: "x", count: CurlRequest.maximumURL - 9)
        #expect(CurlRequest.problem(withURL: url) == nil)
        #expect(CurlRequest.problem(withURL: url + "x") == "is 65537 bytes long; 65536 are allowed")
        let half = String(repeating: "x", count: CurlRequest.maximumHeaders / 2 - 5)
        #expect(CurlRequest.problem(withHeaders: [("a", half), ("b", half)]) == nil)
        #expect(CurlRequest.problem(withHeaders: [("a", half), ("bc", half)]) == "come to 262145 bytes; 262144 are allowed")
    }

    @Test func `a query is never printed`() {
        #expect(CurlRequest.printable("http://a/b?token=c") == "http://a/b")
        #expect(CurlRequest.origin(of: "https://a:1/b/c?token=c") == "https://a:1")
        #expect(CurlRequest.origin(of: "https://a?b://c") == "https://a")
    }

    @Test(
        arguments: [
            ("0", 0), ("17", 17), ("99999999999999999999", 86_400), ("86401", 86_400),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sunday, 06-Nov-94 08:49:37 GMT", 37), ("Sun Nov  6 08:49:37 1994", 37),
            ("Sun, 06 Nov 1994 08:48:00 GMT", 0), ("Mon, 06 Nov 2034 08:48:00 GMT", 86_400),
            ("soon", nil), ("-1", nil), ("", nil),
        ] as [(String, Int?)])
    func `Retry-After is read in seconds and as a date`(_ text: String, _ seconds: Int?) {
        let head = CurlHead(status: 503, reason: "", headers: [("retry-after", text)])
        #expect(head.retryAfter(now: 784_111_740) == seconds.map { .seconds($0) })
        #expect(head.line == "503")
    }
}
