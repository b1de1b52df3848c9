import Testing

@testable import RedisAdapter

struct RedisRedirectTests {
    private let origin = RedisSettings.Address.tcp(host: "a", port: 1, isTLS: true)

    @Test(arguments: [
        ("MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381, false), ("ASK 3999 node.lan:7000", "node.lan", 7000, true),
        ("MOVED 3999 ::1:6381", "::1", 6381, false), ("MOVED 3999 :6381", "a", 6381, false), ("ASK 0 ?:6381", "a", 6381, true),
    ])
    func `another node is named`(text: String, host: String, port: Int, isAsking: Bool) throws {
        let redirect = try #require(RedisRedirect(.error(text), from: self.origin))
        #expect(redirect.address == .tcp(host: host, port: port, isTLS: true), "the transport stays")
        #expect(redirect.isAsking == isAsking)
    }

    @Test(arguments: [
        "MOVED", "MOVED 3999", "ASK 3999 a", "ASK 3999 a:0", "ASK 3999 a:70000", "ASKING", "TRYAGAIN x", "ERR a:1 b",
    ])
    func `other errors name no node`(text: String) {
        #expect(RedisRedirect(.error(text), from: self.origin) == nil)
    }

    @Test func `an answer that is not an error names no command`() {
        #expect(RedisRedirect(.status("MOVED 3999 127.0.0.1:6381"), from: self.origin) == nil)
    }
}
