import Testing

@testable import RedisAdapter

struct RedisURLTests {
    @Test(arguments: [
        ("redis://localhost", RedisSettings.Address.tcp(host: "localhost", port: 6379, isTLS: false), 0),
        ("rediss://h:7000/3", .tcp(host: "h", port: 7000, isTLS: true), 3),
        ("redis://[::1]:1/", .tcp(host: "::1", port: 1, isTLS: false), 0),
        ("redis://[fe80::1]", .tcp(host: "fe80::1", port: 6379, isTLS: false), 0),
        ("unix:///run/redis.sock", .unix(path: "/run/redis.sock"), 0),
    ])
    func `an address is parsed`(text: String, address: RedisSettings.Address, database: Int) throws {
        let url = try #require(RedisURL(text))
        #expect(url.location == .server(address))
        #expect(url.database == database)
        #expect(url.user == nil)
        #expect(url.password == nil)
    }

    @Test func `user and password may be percent-encoded`() throws {
        let url = try #require(RedisURL("redis://a%40b:p%3Aw@h"))
        #expect(url.user == "a@b")
        #expect(url.password == "p:w")
        #expect(RedisURL("redis://:secret@h")?.user == nil)
        #expect(RedisURL("redis://:secret@h")?.password == "secret")
    }

    @Test(arguments: [
        "", "localhost", "http://h", "redis://", "redis://h:0", "redis://h:70000", "redis://h:x", "redis://h/x", "redis://h/-1",
        "unix://",
        "unix://relative", "redis://a b", "redis://%zz:x@h",
    ])
    func `anything else is refused`(text: String) {
        #expect(RedisURL(text) == nil)
    }

    @Test(arguments: [
        ("redis+sentinel://a,b:1/m", "redis+sentinel://a:26379,b:1/m", 0),
        ("rediss+sentinel://u:p@[::1]:1/m/3", "rediss+sentinel://::1:1/m", 3),
        ("redis+cluster://a,b:1", "redis+cluster://a:6379,b:1", 0), ("rediss+cluster://a/0", "rediss+cluster://a:6379", 0),
    ])
    func `several addresses name sentinels or a cluster`(text: String, location: String, database: Int) throws {
        let url = try #require(RedisURL(text))
        #expect(url.location.description == location)
        #expect(url.database == database)
    }

    @Test(arguments: [
        "redis+sentinel://a", "redis+sentinel:///m", "redis+sentinel://a,/m", "redis+sentinel://a/m/x", "redis+cluster://a/1",
        "redis+cluster://", "redis+other://a",
    ])
    func `several incomplete addresses are refused`(text: String) {
        #expect(RedisURL(text) == nil)
    }

    @Test(arguments: ["redis://:Zq7xSecret@\u{33D}host", "redis+cluster://u:Zq7xSecret@\u{301}a,b", "redis:/\u{301}/host"])
    func `a combining mark after a delimiter is refused, and no password is shown`(text: String) {
        #expect(RedisURL(text) == nil)
        #expect(!RedisURL.mistake(in: text).contains("Secret"))
    }
}
