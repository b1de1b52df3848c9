import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import SSEAdapter

/// Filters of clients that are evaluated elsewhere: the loops serve everybody else meanwhile, and nothing is missed.
@Suite(.timeLimit(.minutes(1)))
struct EndpointExpressionTests {
    private let language = GatedLanguage()

    private func run(
        _ change: (inout SSESinkConfiguration) -> Void = { _ in }, _ body: (EndpointFixture) async throws -> Void
    ) async throws {
        try await EndpointFixture.run(
            {
                $0.compiler = self.language
                change(&$0)
            }, body)
    }

    @Test func `a long evaluation delays only the events of its own filter`() async throws {
        try await self.run { endpoint in
            let (slow, plain) = (try await endpoint.open("?when=odd"), try await endpoint.open())
            let other = try await endpoint.open("?when=odd")
            for reader in [slow, plain, other] { _ = try await reader.cursor() }
            self.language.close()
            for number in 1...6 { try await endpoint.publish([EndpointFixture.event("\(number)", subject: "\(number)")]) }
            for number in 1...6 { #expect(try await plain.event() == (number, "\(number)")) }
            try await eventually("it is evaluated") { !self.language.exchanges.isEmpty }
            // A request on each loop is answered.
            for _ in 0..<8 { #expect(try await endpoint.open("?format=json&since=earliest").body().contains("\"6\"")) }
            self.language.open()
            for reader in [slow, other] {
                for number in [1, 3, 5] { #expect(try await reader.event() == (number, "\(number)")) }
            }
            // And later ones.
            try await endpoint.publish([EndpointFixture.event("7", subject: "7")])
            for reader in [slow, other] { #expect(try await reader.event() == (7, "7")) }
            #expect(endpoint.counter("sse_filter_errors_total") == 3, "once for all who share the filter")
        }
    }

    @Test func `streams, answers and polls read the history in order`() async throws {
        try await self.run { endpoint in
            for batch in 0..<120 {
                try await endpoint.publish((1...5).map { EndpointFixture.event("e", subject: "\(batch * 5 + $0)") })
            }
            self.language.close()
            let stream = try await endpoint.open("?when=odd&since=earliest")
            // Where it begins is to be decided, too.
            async let other = endpoint.open("?when=odd&since=1")
            async let answer = endpoint.open("?format=json&since=earliest&limit=1000&when=odd").body()
            async let latest = endpoint.open("?format=json&since=3&when=odd").body()
            async let poll = endpoint.open("?poll=1&since=earliest&when=odd&timeout=20")
            try await eventually("something is asked for") { !self.language.exchanges.isEmpty }
            self.language.open()
            _ = try await stream.cursor()
            for number in stride(from: 1, through: 599, by: 2) { #expect(try await stream.event().sequence == number) }
            let second = try await other
            _ = try await second.cursor()
            #expect(try await second.event().sequence == 599)
            #expect(try await answer.split(separator: "\"message\"").count - 1 == 300)
            #expect(try await latest.split(separator: "\"message\"").count - 1 == 3)
            _ = try await poll
        }
    }

    @Test func `a client that leaves during a decision leaves nothing behind`() async throws {
        try await self.run { endpoint in
            self.language.close()
            for number in 1...40 { try await endpoint.publish([EndpointFixture.event("\(number)", subject: "\(number)")]) }
            for _ in 0..<20 {
                let reader = try await endpoint.open("?when=odd&since=earliest")
                reader.connection.reset()
            }
            self.language.open()
            try await endpoint.waitForSubscribers(0)
            try await eventually("its view is gone") { endpoint.hub.views == 0 }
            let jobs = try await endpoint.hub.collect { $0.jobs.count }.get()
            #expect(jobs.allSatisfy { $0 == 0 })
        }
    }

    @Test func `a slow client gets the latest event of each key, which an expression computes`() async throws {
        let key = try Template("{{ upper }}", compiler: self.language)
        try await self.run({
            $0.slowClient.stall = .seconds(60)
            $0.replay.bytes = 64 << 20
            $0.slowClient.policy = .conflate; $0.slowClient.key = key
        }) { endpoint in
            let reader = try await endpoint.open(receiveBuffer: 4096)
            _ = try await reader.cursor()
            let filler = String(repeating: "x", count: 60_000)
            for number in 0..<120 {
                try await endpoint.publish([EndpointFixture.event("\(number) \(filler)", subject: number % 2 == 0 ? "a" : "b")])
            }
            var last: [Int] = []
            var count = 0
            repeat {
                let (sequence, _) = try await reader.event()
                last.append(sequence)
                count += 1
            } while last.last != 120
            #expect(count < 120 && last == last.sorted() && last.suffix(2) == [119, 120])
            #expect(!self.language.exchanges.isEmpty)
            #expect(endpoint.counter("sse_conflated_total") == 120 - count)
        }
    }
}
