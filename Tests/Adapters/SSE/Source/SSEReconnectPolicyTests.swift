import BridgeTesting
import Testing

@testable import SSEAdapter

@Suite struct SSEReconnectPolicyTests {
    private static func waits(
        _ outcome: SSEReconnectPolicy.Outcome, _ count: Int, after prepare: (inout SSEReconnectPolicy) -> Void = { _ in }
    ) -> [Duration?] {
        var policy = SSEReconnectPolicy()
        var generator = SeededGenerator(seed: 7)
        prepare(&policy)
        return (0..<count).map { _ in policy.wait(after: outcome, using: &generator) }
    }

    @Test(arguments: [nil, 0, 500]) func `after an orderly end a stream waits for one to three seconds`(_ retry: Int?) {
        let waits = Self.waits(.ended, 200) { policy in retry.map { policy.asked(toWait: $0) } }.compactMap(\.self)
        #expect(waits.count == 200)
        #expect(waits.allSatisfy { $0 >= .seconds(1) && $0 <= .seconds(3) })
        #expect(Set(waits).count > 100, "the waits are spread")
    }

    @Test func `the server's retry counts when it is longer, up to five minutes`() {
        #expect(Self.waits(.ended, 1) { $0.asked(toWait: 10_000) } == [.seconds(10)])
        #expect(Self.waits(.ended, 1) { $0.asked(toWait: .max) } == [.seconds(300)])
        #expect(Self.waits(.unreachable, 1) { $0.asked(toWait: 10_000) } == [.seconds(10)])
        #expect(Self.waits(.unreachable, 1) == [nil])
    }

    @Test func `a broken stream reconnects at once, and backs off when it breaks repeatedly`() {
        let short = Self.waits(.lost(after: .milliseconds(10)), 7)
        #expect(short.prefix(5).allSatisfy { $0 == nil })
        #expect(short.suffix(2).allSatisfy { $0.map { $0 >= .seconds(1) && $0 <= .seconds(3) } == true })
        #expect(Self.waits(.lost(after: .seconds(60)), 20).allSatisfy { $0 == nil })
    }

    @Test(arguments: [401, 403, 407]) func `wrong credentials are retried after minutes`(_ status: Int) {
        let waits = Self.waits(.refused(status: status, retryAfter: nil), 12).compactMap(\.self)
        #expect(waits.count == 12)
        for (wait, bound) in zip(waits, [60, 120, 240, 480, 600, 600, 600, 600, 600, 600, 600, 600]) {
            #expect(wait >= .seconds(bound) / 2 && wait <= .seconds(bound))
        }
    }

    @Test func `an accepted request ends the long waits`() {
        var policy = SSEReconnectPolicy()
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<10 { _ = policy.wait(after: .refused(status: 401, retryAfter: nil), using: &generator) }
        policy.accepted()
        #expect(policy.wait(after: .refused(status: 401, retryAfter: nil), using: &generator)! <= .seconds(60))
    }

    @Test(arguments: [302, 400, 404, 405, 406, 410]) func `repeated refusals of the same request wait longer each time`(
        _ status: Int
    ) {
        let waits = Self.waits(.refused(status: status, retryAfter: nil), 20).compactMap(\.self)
        #expect(waits.count == 20)
        #expect(waits[0] <= .seconds(1))
        #expect(waits[19] >= .seconds(150) && waits[19] <= .seconds(300))
    }

    @Test(arguments: [200, 408, 425, 429, 500, 502, 503, 504])
    func `temporary failures follow the engine's back-off, or Retry-After within an hour`(_ status: Int) {
        #expect(Self.waits(.refused(status: status, retryAfter: nil), 3) == [nil, nil, nil])
        #expect(Self.waits(.refused(status: status, retryAfter: .seconds(7)), 1) == [.seconds(7)])
        #expect(Self.waits(.refused(status: status, retryAfter: .seconds(86_400)), 1) == [.seconds(3600)])
    }

    @Test func `the server's Retry-After applies to the long waits too`() {
        #expect(Self.waits(.refused(status: 403, retryAfter: .seconds(1800)), 1) == [.seconds(1800)])
        #expect(Self.waits(.refused(status: 404, retryAfter: .seconds(30)), 1) == [.seconds(30)])
    }
}
