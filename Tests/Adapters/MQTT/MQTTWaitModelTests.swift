import BridgeCore
import BridgeTesting
import Testing

@testable import MQTTAdapter
@testable import Mosquitto

/// Drives both state machines through random inputs and checks their waits: every wait for the broker ends, and none keeps ending at once
/// while nothing changes.
struct MQTTWaitModelTests {
    /// A source as its session drives it, with a clock of whole milliseconds.
    private struct SourceModel {
        var driver: MQTTSourceMachineDriver
        var random: SeededGenerator
        var time = 0
        var isPaused = false
        var safe = Position.start
        var outstanding: Set<Int32> = [1, 2, 3]
        var idleRounds = 0
        /// How often each situation under test was reached.
        var reached = Reached()

        struct Reached {
            var (pausedWhileDue, stoppingWhileDue, fullWhileSubscribing, overdue, ended) = (0, 0, 0, 0, 0)

            static func += (left: inout Self, right: Self) {
                left.pausedWhileDue += right.pausedWhileDue
                left.stoppingWhileDue += right.stoppingWhileDue
                left.fullWhileSubscribing += right.fullWhileSubscribing
                left.overdue += right.overdue
                left.ended += right.ended
            }
        }

        init(seed: UInt64) throws {
            self.driver = try MQTTSourceMachineDriver(#""subscribe": ["a", "b", {"topic": "c", "qos": 0}]"#)
            self.random = SeededGenerator(seed: seed)
            self.driver.connect()
            // Usually the broker has answered at once.
            guard self.chance(80) else { return }
            self.outstanding = []
            self.driver.grant(1)
            self.driver.grant(2, 0x87)
            self.driver.grant(3, 0)
        }

        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self.random) < percent }

        /// What the broker sends is seen only while the source reads.
        ///
        /// - Returns: false when the broker has refused everything.
        mutating func readSomething() -> Bool {
            if self.chance(60) {
                let count = [0, 1, 5, 300, 1024].randomElement(using: &self.random)!
                self.driver.read([message("a", "x")], acknowledgements: count, bytes: 1 << 20, at: self.time)
            }
            guard self.chance(70), let packet = self.outstanding.randomElement(using: &self.random) else { return true }
            self.outstanding.remove(packet)
            let actions = self.driver.grant(packet, self.chance(65) ? 1 : 0x87, at: self.time)
            return !actions.contains { $0.hasPrefix("refused all") }
        }

        /// - Returns: false when the connection has ended.
        mutating func round() throws -> Bool {
            if self.chance(15) { self.isPaused.toggle() }
            if self.chance(30) { self.safe = self.driver.position }
            if self.time > 0, self.chance(2) { self.driver.machine.stop() }
            let wasDue = self.driver.machine.warning != nil
            let before = self.driver.packet
            let (actions, step) = self.driver.step(safe: self.safe, isPaused: self.isPaused, at: self.time)
            for packet in before..<self.driver.packet { self.outstanding.insert(packet + 1) }
            let state = self.driver.machine.state
            if step.isLast { self.reached.ended += 1 }
            if step.isLast { return false }
            let now = self.driver.at(self.time)
            if self.driver.machine.isOverdue(now: now) {
                #expect(state == .subscribing && step.reads)
                self.reached.overdue += 1
                return false
            }
            if wasDue, self.isPaused, !step.reads { self.reached.pausedWhileDue += 1 }
            if wasDue, state == .stopping { self.reached.stoppingWhileDue += 1 }
            if state == .subscribing, !step.reads { self.reached.fullWhileSubscribing += 1 }

            let end = self.driver.machine.waitEnd
            if state == .subscribing, step.reads {
                let deadline = try #require(end, "an answer is awaited without an end")
                #expect(deadline <= now + MQTTSubscriptionStateMachine.answerLimit + .nanoseconds(1))
            }
            if state == .stopping { #expect(end == nil) }
            if step.reads, self.chance(50) {
                self.idleRounds = 0
                return self.readSomething()
            }
            let isAtOnce = end.map { $0 <= now } ?? false
            let hasProgress = !actions.isEmpty || step.acknowledgements > 0
            self.idleRounds = isAtOnce && !hasProgress ? self.idleRounds + 1 : 0
            try #require(self.idleRounds < 2, "\(state) turns again at once though nothing changes")
            // Something may wake the source earlier.
            let wait = end.map { now.duration(to: $0) } ?? .seconds(30)
            let milliseconds = max(0, Int((wait / .milliseconds(1)).rounded(.up)))
            self.time += self.chance(50) ? milliseconds : Int.random(in: 0...milliseconds, using: &self.random)
            return true
        }
    }

    @Test func `a source waits for an answer within its limit, and never spins`() throws {
        var reached = SourceModel.Reached()
        for seed in 0..<1000 as Range<UInt64> {
            var model = try SourceModel(seed: seed)
            for _ in 0..<300 { guard try model.round() else { break } }
            reached += model.reached
        }
        #expect(reached.pausedWhileDue > 100)
        #expect(reached.stoppingWhileDue > 50)
        #expect(reached.fullWhileSubscribing > 100)
        #expect(reached.overdue > 10)
        #expect(reached.ended > 50)
    }

    @Test func `a sink waits for bytes or answers no longer than its limits, and ends when the broker falls silent`() throws {
        let limit = Duration.seconds(30)
        var (stalled, silent, postponed) = (0, 0, 0)
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var now = ContinuousClock.now
            var machine = MQTTSinkStateMachine(window: 8, receiveMaximum: 100, answerLimit: limit, now: now)
            var stall = MQTTStallDetector(limit: limit)
            var (last, open) = (0 as Int32, [] as [Int32])
            var isFlushed = true
            var hasEnded = false
            // From some round on, the broker accepts nothing or answers nothing.
            let falls = Int.random(in: 0..<60, using: &random)
            let takesBytes = Bool.random(using: &random)
            for round in 0..<200 where !hasEnded {
                let isLive = round < falls
                if isLive || round == falls {
                    for _ in 0..<Int.random(in: round == falls ? 1...1 : 0...3, using: &random) where machine.room(within: 8) > 0
                    {
                        last += 1
                        open.append(last)
                        machine.published(.made(Int(last)), as: last, now: now)
                        isFlushed = false
                    }
                }
                let isTaking = isLive ? Int.random(in: 0..<4, using: &random) > 0 : takesBytes
                stall.flushed(isAll: isFlushed || isTaking, hasSent: isTaking && !isFlushed, now: now)
                isFlushed = isFlushed || isTaking
                if isLive, isFlushed {
                    for _ in 0..<Int.random(in: 0...open.count, using: &random) {
                        let code: Int32 = Int.random(in: 0..<200, using: &random) == 0 ? 0x97 : 0
                        _ = machine.answered(open.removeFirst(), code: code, now: now)
                    }
                    _ = machine.settle(now: now)
                }
                if stall.isStalled(now: now) {
                    stalled += 1
                    hasEnded = true
                    continue
                }
                switch machine.step(isFlushed: isFlushed, now: now) {
                case .wait(let until):
                    let end = [until, stall.deadline].compactMap { $0 }.min()
                    guard !open.isEmpty || !isFlushed else { break }
                    let deadline = try #require(end, "a wait for the broker without an end")
                    #expect(deadline > now && deadline <= now + limit)
                    // A live broker sends something before the deadline.
                    let wait = now.duration(to: deadline)
                    now += isLive ? wait / Int.random(in: 2...9, using: &random) : wait
                case .giveUp:
                    #expect(isFlushed && !open.isEmpty)
                    silent += 1
                    hasEnded = true
                case .endPostponed:
                    postponed += 1
                    hasEnded = true
                case .end: Issue.record("nobody has ended the sink")
                }
            }
            #expect(hasEnded || open.isEmpty, "seed \(seed) does not end")
        }
        #expect(stalled > 50 && silent > 50 && postponed > 10)
    }
}
