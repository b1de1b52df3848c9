import BridgeTesting
import Logging
import NIOPosix
import Testing

@testable import BridgeCore

@Suite(.timeLimit(.minutes(1))) struct OfflineTrackerTests {
    private let cursors = MemoryCursorStore()

    /// A tracker as a program that has just started makes it.
    private func tracker(
        peer: String = "redis://a", interval: Duration = .seconds(10), _ cursors: (any CursorStore)? = nil
    ) -> OfflineTracker {
        let context = ComponentContext(
            name: "in", logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "b", cursors: cursors ?? self.cursors,
            metrics: ComponentMetrics(component: "in", kind: "test", direction: "source", metrics: Metrics()),
            shared: SharedServices()
        )
        return OfflineTracker(context, peer: peer, interval: interval)
    }

    @Test func `the first connection ever reports no period`() {
        #expect(self.tracker().connected() == nil)
    }

    @Test func `a lost connection is a period of this run`() throws {
        let tracker = self.tracker()
        #expect(tracker.connected() == nil)
        let before = Timestamp.now()
        tracker.disconnected()
        let period = try #require(tracker.connected())
        #expect(!period.isAcrossRestart)
        #expect(period.from >= before)
        #expect(period.to >= period.from)
        #expect(period.reason(for: "redis://a").hasPrefix("the connection to redis://a was lost for "))
        #expect(tracker.connected() == nil, "it is connected already")
    }

    @Test(arguments: [
        (0, "less than 0.001 s"), (1, "0.001 s"), (109, "0.109 s"), (500, "0.5 s"), (1000, "1 s"), (61_050, "61.05 s"),
    ])
    func `a gap states the length of the period to the millisecond`(_ milliseconds: Int, _ text: String) {
        let from = Timestamp(milliseconds: 1_764_000_000_944)
        let to = Timestamp(milliseconds: from.milliseconds + Int64(milliseconds))
        let lost = OfflinePeriod(from: from, to: to)
        #expect(lost.reason(for: "redis://a") == "the connection to redis://a was lost for \(text)")
        let restart = OfflinePeriod(from: from, to: to, isAcrossRestart: true)
        #expect(
            restart.reason(for: "redis://a")
                == "streambridge was not connected to redis://a for \(text) (from \(from) to \(to)), across a restart")
    }

    @Test func `failed attempts do not shorten the period`() throws {
        let tracker = self.tracker()
        _ = tracker.connected()
        tracker.disconnected()
        let lost = try #require(self.kept)
        tracker.disconnected()
        #expect(self.kept == lost)
        #expect(try #require(tracker.connected()).from.milliseconds == lost)
    }

    @Test func `a program that was killed while connected finds the period at its next start`() throws {
        _ = self.tracker().connected()
        let kept = try #require(self.kept)
        let period = try #require(self.tracker().connected())
        #expect(period.isAcrossRestart)
        #expect(period.from.milliseconds == kept)
        #expect(period.reason(for: "redis://a").hasPrefix("streambridge was not connected to redis://a for "))
    }

    @Test func `another peer is another history`() {
        _ = self.tracker().connected()
        #expect(self.tracker(peer: "redis://b").connected() == nil)
    }

    @Test(arguments: ["", "x", "0 1", "zz zz", "0000000000000000 1 2"])
    func `an unreadable stored time is ignored`(_ text: String) throws {
        try self.cursors.move(text, of: "in$seen")
        #expect(self.tracker().connected() == nil)
    }

    @Test func `a clock that was set back makes an empty period`() throws {
        _ = self.tracker().connected()
        let head = try #require(self.cursors.cursor(of: "in$seen")?.split(separator: " ").first)
        try self.cursors.move("\(head) \(Timestamp.now().milliseconds + 3_600_000)", of: "in$seen")
        let period = try #require(self.tracker().connected())
        #expect(period.from == period.to)
    }

    @Test func `a stored time before 1970 is ignored`() throws {
        _ = self.tracker().connected()
        let head = try #require(self.cursors.cursor(of: "in$seen")?.split(separator: " ").first)
        for time in [Int64.min, -1] {
            try self.cursors.move("\(head) \(time)", of: "in$seen")
            #expect(self.tracker().connected() == nil)
        }
    }

    @Test func `a store that refuses does not stop the source`() async throws {
        let tracker = self.tracker(RefusingCursorStore())
        try await tracker.track { #expect(tracker.connected() == nil) }
        #expect(tracker.connected()?.isAcrossRestart == false)
    }

    @Test func `the time is stored repeatedly while the source is connected, and only then`() async throws {
        let tracker = self.tracker(interval: .milliseconds(5))
        let cursors = self.cursors
        try await tracker.track {
            #expect(await !holds(within: .milliseconds(100)) { cursors.cursor(of: "in$seen") != nil })
            _ = tracker.connected()
            var times: Set<String> = []
            try await eventually("three times are kept") {
                cursors.cursor(of: "in$seen").map { _ = times.insert($0) }
                return times.count >= 3
            }
        }
        let last = cursors.cursor(of: "in$seen")
        #expect(await !holds(within: .milliseconds(100)) { cursors.cursor(of: "in$seen") != last })
    }

    @Test func `the end of an attempt ends the connection, whatever it throws`() async throws {
        let tracker = self.tracker()
        await #expect(throws: ComponentError.self) {
            try await tracker.track {
                _ = tracker.connected()
                throw ComponentError(.connectionLost, "lost")
            }
        }
        #expect(tracker.connected() != nil)
    }

    /// Milliseconds since 1970.
    private var kept: Int64? {
        self.cursors.cursor(of: "in$seen")?.split(separator: " ").last.flatMap { Int64($0) }
    }
}

/// A store on a disk that is full.
private struct RefusingCursorStore: CursorStore {
    func cursor(of source: String) -> String? { nil }
    func move(_ cursor: String, of source: String) throws { throw ComponentError(.inputOutput, "no room") }
}
