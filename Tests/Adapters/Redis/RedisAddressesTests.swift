import NIOCore
import Testing

@testable import RedisAdapter

/// Where sentinels and nodes of a cluster say that a server is.
struct RedisAddressesTests {
    private static let seed = RedisSettings.Address.tcp(host: "seed", port: 7000, isTLS: true)

    private static func bulk(_ text: String) -> RedisReply { .bulk(ByteBuffer(string: text)) }

    private static func slots(_ host: String, _ port: Int64, _ first: Int64 = 0, _ last: Int64 = 16_383) -> RedisReply {
        .array([.integer(first), .integer(last), .array([Self.bulk(host), .integer(port)])])
    }

    @Test func `a sentinel names a master`() {
        let answer = RedisReply.array([Self.bulk("10.0.0.1"), Self.bulk("6380")])
        #expect(answer.master(isTLS: true) == .tcp(host: "10.0.0.1", port: 6380, isTLS: true))
    }

    @Test(arguments: ["0", "-1", "65536", "99999999999999999999", "x", ""])
    func `a master with an invalid port is ignored`(port: String) {
        #expect(RedisReply.array([Self.bulk("10.0.0.1"), Self.bulk(port)]).master(isTLS: false) == nil)
        #expect(RedisReply.null.master(isTLS: false) == nil)
        #expect(RedisReply.array([Self.bulk(""), Self.bulk("6380")]).master(isTLS: false) == nil)
    }

    @Test func `a node of a cluster names the one that serves a slot`() {
        let answer = RedisReply.array([Self.slots("a", 1, 0, 99), Self.slots("b", 2, 100, 199), Self.slots("", 3, 200, 299)])
        #expect(answer.node(serving: 100, seenFrom: Self.seed) == .tcp(host: "b", port: 2, isTLS: true))
        #expect(answer.node(serving: 299, seenFrom: Self.seed) == .tcp(host: "seed", port: 3, isTLS: true))
        #expect(answer.node(serving: 300, seenFrom: Self.seed) == nil)
    }

    @Test(arguments: [0, -1, 65_536, Int64.max, Int64.min])
    func `a node with an invalid port is ignored`(port: Int64) {
        let answer = RedisReply.array([Self.slots("a", port), Self.slots("b", 2)])
        #expect(answer.node(serving: 5, seenFrom: Self.seed) == .tcp(host: "b", port: 2, isTLS: true))
    }
}
