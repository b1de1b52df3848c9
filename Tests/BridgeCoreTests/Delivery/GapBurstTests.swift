import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore

/// When the losses of one source are reported.
struct GapBurstTests {
    private static let start = ContinuousClock.now

    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant { Self.start + .milliseconds(milliseconds) }

    private static func loss(
        _ reason: String, _ kind: GapKind = .omission, subject: String = "", period: OfflinePeriod? = nil
    ) -> SourceLoss {
        SourceLoss(kind: kind, reason: reason, subject: subject, period: period)
    }

    @Test func `the first loss is reported at once, those of the next second together`() {
        var burst = GapBurst()
        #expect(burst.add(Self.loss("a"), now: Self.at(0)) == .report(GapReport(Self.loss("a"))))
        #expect(burst.due == nil)
        #expect(burst.add(Self.loss("b"), now: Self.at(200)) == .waits(isFirst: true))
        #expect(burst.add(Self.loss("c"), now: Self.at(999)) == .waits(isFirst: false))
        #expect(burst.due == Self.at(1000))
        #expect(burst.takeDue(now: Self.at(999)).isEmpty)
        let report = burst.takeDue(now: Self.at(1000))
        #expect(report.map(\.count) == [2])
        #expect(report.map(\.reason) == ["2 losses in a burst, the first: b; the last: c"])
        #expect(burst.due == nil)
        #expect(burst.takeDue(now: Self.at(5000)).isEmpty)
        #expect(burst.add(Self.loss("d"), now: Self.at(1999)) == .waits(isFirst: true))
        #expect(burst.takeAll(now: Self.at(1999)).map(\.reason) == ["d"])
    }

    @Test func `a loss takes those with it that are due`() {
        var burst = GapBurst()
        _ = burst.add(Self.loss("a"), now: Self.at(0))
        _ = burst.add(Self.loss("b"), now: Self.at(1))
        guard case .report(let report) = burst.add(Self.loss("b"), now: Self.at(1001)) else {
            Issue.record("nothing is reported")
            return
        }
        #expect(report.count == 2 && report.reason == "2 losses in a burst, each: b")
        #expect(burst.due == nil)
    }

    @Test func `losses of another kind are not held up`() {
        var burst = GapBurst()
        _ = burst.add(Self.loss("a"), now: Self.at(0))
        _ = burst.add(Self.loss("b"), now: Self.at(1))
        let outage = Self.loss("away", .outage)
        #expect(burst.add(outage, now: Self.at(2)) == .report(GapReport(outage)))
    }

    @Test func `each outage is reported at once`() {
        var burst = GapBurst()
        for time in 0..<5 {
            let outage = Self.loss("away", .outage)
            #expect(burst.add(outage, now: Self.at(time)) == .report(GapReport(outage)))
        }
        #expect(burst.due == nil)
    }

    @Test func `a report says what all its losses share, and spans their times`() {
        func period(_ from: Int64, _ to: Int64) -> OfflinePeriod {
            OfflinePeriod(from: Timestamp(milliseconds: from), to: Timestamp(milliseconds: to))
        }
        var report = GapReport(Self.loss("a", .outage, subject: "s", period: period(1000, 2000)))
        #expect(report.payload == ByteBuffer(string: #"{"from":"1970-01-01T00:00:01.000Z","to":"1970-01-01T00:00:02.000Z"}"#))
        report.add(Self.loss("b", .outage, subject: "s", period: period(3000, 4000)))
        #expect(report.subject == "s")
        #expect(
            report.payload
                == ByteBuffer(string: #"{"from":"1970-01-01T00:00:01.000Z","to":"1970-01-01T00:00:04.000Z","count":2}"#))
        report.add(Self.loss("c", .outage, subject: "t"))
        #expect(report.subject.isEmpty && report.count == 3)
        #expect(GapReport(Self.loss("x")).payload == nil)
    }

    @Test(arguments: UInt64(0)..<20)
    func `every loss is in one report, within a second, and a kind has one report a second`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var burst = GapBurst()
        var waiting: [GapKind: [Int]] = [:]
        var reported: [GapKind: Int] = [:]
        var now = 0
        let kinds = GapKind.allCases.filter { $0 != .outage }
        func check(_ report: GapReport, _ kind: GapKind) {
            let times = waiting.removeValue(forKey: kind) ?? []
            #expect(report.count == times.count)
            #expect(times.allSatisfy { now - $0 <= 1000 })
            if let last = reported[kind] { #expect(now - last >= 1000) }
            reported[kind] = now
        }
        /// The kind is the first word of each reason.
        func kind(of report: GapReport) -> GapKind {
            kinds.first { report.reason.hasSuffix("\($0)") } ?? .outage
        }
        for _ in 0..<2000 {
            let next = now + Int.random(in: 0...(seed % 2 == 0 ? 20 : 700), using: &generator)
            // The owner's timer comes first.
            while let due = burst.due, due <= Self.at(next) {
                now = Int(((due - Self.start) / .milliseconds(1)).rounded())
                for report in burst.takeDue(now: due) { check(report, kind(of: report)) }
            }
            now = next
            let loss = kinds.randomElement(using: &generator) ?? .omission
            waiting[loss, default: []].append(now)
            if case .report(let report) = burst.add(Self.loss("\(loss)", loss), now: Self.at(now)) { check(report, loss) }
        }
        for report in burst.takeAll(now: Self.at(now)) {
            #expect(waiting.removeValue(forKey: kind(of: report))?.count == report.count)
        }
        #expect(waiting.isEmpty)
    }
}
