import BridgeTesting
import Synchronization
import Testing

@testable import BridgeCore

/// Long waits that end once the peer can be reached.
@Suite(.timeLimit(.minutes(1)))
struct ProbedWaitTests {
    private static let peer = PeerAddress(host: "peer.example", port: 1)

    /// Answers probes in order; repeats the last answer.
    private final class Answers: Sendable {
        private let rest: Mutex<[Bool]>
        private let asked = Atomic<Int>(0)

        init(_ answers: [Bool]) { self.rest = Mutex(answers) }

        var count: Int { self.asked.load(ordering: .relaxed) }

        @Sendable func next(_ peer: PeerAddress) async -> Bool {
            self.asked.wrappingAdd(1, ordering: .relaxed)
            return self.rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
    }

    @Test func `a wait ends when a peer that was away accepts`() async throws {
        let answers = Answers([false, false, true])
        let start = ContinuousClock.now
        try await ProbedWait(peers: [Self.peer], probe: answers.next).run { try await Task.sleep(for: .seconds(600)) }
        #expect(ContinuousClock.now - start >= ProbedWait.interval * 2)
        #expect(answers.count == 3)
    }

    @Test func `a peer that accepts all the time does not end it`() async throws {
        let answers = Answers([true])
        let isOver = Mutex(false)
        try await ProbedWait(peers: [Self.peer], probe: answers.next).run {
            try await eventually("it was asked twice") { answers.count >= 2 }
            isOver.withLock { $0 = true }
        }
        #expect(isOver.withLock { $0 })
    }

    @Test func `what ends the pause ends the wait`() async throws {
        let answers = Answers([false])
        await #expect(throws: CancellationError.self) {
            try await ProbedWait(peers: [Self.peer], probe: answers.next).run { throw CancellationError() }
        }
    }
}

/// When a connection counts as of use, which makes the next wait short.
struct ComponentStatusTests {
    private let status = ComponentStatus(
        metrics: ComponentMetrics(component: "x", kind: "x", direction: "sink", metrics: Metrics()))

    @Test func `an attempt that connects and ends at once was of no use`() {
        #expect(!self.status.disconnected("refused"))
        self.status.connected()
        #expect(!self.status.disconnected("lost"))
    }

    @Test func `one that received or confirmed something was of use, once`() {
        self.status.connected()
        self.status.progressed()
        #expect(self.status.disconnected("lost"))
        #expect(!self.status.disconnected("lost"))
    }

    @Test func `the same missing permission again is of no use, whatever arrived in between`() {
        let attempts: [(reason: String, isUnauthorized: Bool, wasOfUse: Bool)] = [
            ("NOPERM xack", true, true), ("NOPERM xack", true, false), ("NOPERM xack", true, false), ("NOPERM xadd", true, true),
            ("lost", false, true), ("lost", false, true), ("NOPERM xadd", true, true),
        ]
        for attempt in attempts {
            self.status.connected()
            self.status.progressed()
            #expect(self.status.disconnected(attempt.reason, isUnauthorized: attempt.isUnauthorized) == attempt.wasOfUse)
        }
    }

    @Test func `one that lasted was of use, though nothing was sent`() {
        self.status.connected(at: .now - ComponentStatus.lasting)
        // Called again by components that connect again within one run.
        self.status.connected()
        #expect(self.status.disconnected("lost"))
        self.status.connected(at: .now - ComponentStatus.lasting / 2)
        #expect(!self.status.disconnected("lost"))
    }
}
