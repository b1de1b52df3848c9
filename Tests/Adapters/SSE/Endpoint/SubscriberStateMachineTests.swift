import BridgeCore
import Testing

@testable import SSEAdapter

/// Each change of a subscriber's state, without a channel.
@Suite struct SubscriberStateMachineTests {
    typealias Machine = SSESubscriber.StateMachine

    /// A heartbeat of 16 ticks, a stall of 5.
    static func timing(_ change: (inout SSESinkConfiguration) -> Void = { _ in }) throws -> SSEStreamTiming {
        var settings = try SSESinkConfiguration(stream: "s")
        settings.heartbeat = .seconds(16)
        settings.slowClient.stall = .seconds(5)
        change(&settings)
        return SSEStreamTiming([settings])
    }

    /// A subscriber that begins after sequence 10.
    private static func machine(lag: UInt64 = 0, now: UInt32 = 0, until: UInt32? = nil) -> Machine {
        Machine(start: SSEResolution(position: 10, knownLoss: 3, gap: nil, lag: lag), now: now, until: until)
    }

    private static func live(now: UInt32 = 0, until: UInt32? = nil) -> Machine {
        var machine = Self.machine(now: now, until: until)
        machine.caughtUp(to: 10)
        return machine
    }

    private static func blocked(lag: UInt64 = 0, isLive: Bool = true) -> Machine {
        var machine = Self.machine(lag: lag)
        if isLive { machine.caughtUp(to: 10) }
        if isLive {
            #expect(machine.deliver(after: 10, through: 11, now: 0, isWritable: false, buffered: 100) == .skip)
        } else {
            #expect(machine.nextStep(now: 0, isWritable: false, buffered: 100) == .done)
        }
        #expect(machine.state == .blocked(.init(since: 0, buffered: 100)))
        return machine
    }

    private static func tick(
        _ machine: inout Machine, _ timing: SSEStreamTiming, _ now: UInt32, through: UInt64? = nil, isWritable: Bool = true,
        buffered: Int = 100, lag: UInt64 = 0
    ) -> Machine.Action {
        machine.tick(timing, now: now, through: through, isWritable: isWritable, buffered: buffered) { _ in lag }
    }

    @Test func `an idle subscriber costs little`() {
        #expect(MemoryLayout<Machine>.size <= 64)
    }

    // MARK: - Live

    @Test func `a live subscriber receives each batch once, in order`() {
        var machine = Self.live()
        #expect(machine.deliver(after: 9, through: 12, now: 1, isWritable: true, buffered: 0) == .write)
        #expect(machine.position == 12)
        #expect(machine.deliver(after: 9, through: 12, now: 1, isWritable: true, buffered: 0) == .skip)
        #expect(machine.deliver(after: 12, through: 15, now: 1, isWritable: true, buffered: 0) == .write)
        #expect(machine.position == 15 && machine.state == .live)
    }

    @Test func `a batch after missing events reads them from the history`() {
        var machine = Self.live()
        #expect(machine.deliver(after: 11, through: 12, now: 1, isWritable: true, buffered: 0) == .startReading)
        #expect(machine.nextStep(now: 1, isWritable: true, buffered: 0) == .read(after: 10, knownLoss: 3))
        // What is new meanwhile comes from the history too.
        #expect(machine.deliver(after: 12, through: 13, now: 1, isWritable: true, buffered: 0) == .skip)
        #expect(machine.read(through: 13, hasEvents: true, now: 1) == true)
        machine.caughtUp(to: 13)
        #expect(machine.position == 13 && machine.state == .live)
    }

    @Test func `events that are decided later are read from the history by one reader at a time`() {
        var machine = Self.live()
        #expect(machine.historyGrew(now: 1, isWritable: true, buffered: 0) == true)
        #expect(machine.historyGrew(now: 1, isWritable: true, buffered: 0) == false)
        machine.caughtUp(to: 12)
        #expect(machine.historyGrew(now: 2, isWritable: false, buffered: 7) == false)
        #expect(machine.state == .blocked(.init(since: 2, buffered: 7)))
    }

    @Test func `a channel that becomes writable during a live write changes nothing`() {
        var machine = Self.live()
        #expect(machine.deliver(after: 10, through: 11, now: 1, isWritable: true, buffered: 0) == .write)
        machine.beganWrite(own: 0)
        #expect(!machine.mayBypassChannel)
        #expect(machine.endedWrite(own: 0, isWritable: true) == false)
        #expect(machine.becameWritable(now: 1, buffered: 0) == false)
        #expect(machine.mayBypassChannel && machine.state == .live && machine.position == 11)
    }

    @Test func `a subscriber whose channel holds many small writes waits until half of them have left`() {
        var machine = Self.live()
        let limit = Int(SSESubscriber.StateMachine.maximumPendingWrites)
        for number in 0..<limit {
            let sequence = UInt64(11 + number)
            #expect(machine.deliver(after: sequence - 1, through: sequence, now: 1, isWritable: true, buffered: 0) == .write)
            machine.beganWrite(own: 0)
        }
        #expect(machine.deliver(after: UInt64(10 + limit), through: 100, now: 2, isWritable: true, buffered: 40) == .skip)
        #expect(machine.state == .blocked(.init(since: 2, buffered: 40)))
        #expect(machine.becameWritable(now: 3, buffered: 40) == false)
        for _ in limit / 2 + 1..<limit { #expect(machine.endedWrite(own: 0, isWritable: true) == false) }
        #expect(machine.endedWrite(own: 0, isWritable: true) == true)
        #expect(machine.isShortening && machine.position == UInt64(10 + limit))
    }

    @Test func `encrypted copies count in the budget and do not delay new data`() {
        var machine = Self.live()
        #expect(machine.deliver(after: 10, through: 11, now: 1, isWritable: true, buffered: 0) == .write)
        machine.beganWrite(own: 0, copied: 500)
        #expect(machine.held == 0 && machine.budget(counted: 0) == 500)
        #expect(machine.deliver(after: 11, through: 12, now: 1, isWritable: true, buffered: 500) == .write)
        #expect(machine.endedWrite(own: 0, copied: 500, isWritable: true) == false)
        #expect(machine.budget(counted: 500) == 0)
    }

    // MARK: - Reading

    @Test func `reading stops while the channel is full or holds the subscriber's own bytes`() {
        var machine = Self.machine()
        #expect(machine.nextStep(now: 1, isWritable: false, buffered: 50) == .done)
        #expect(machine.state == .blocked(.init(since: 1, buffered: 50)))
        #expect(machine.becameWritable(now: 2, buffered: 0) == true)
        #expect(machine.nextStep(now: 2, isWritable: true, buffered: 0) == .shorten)
        machine.needsNoShortening()
        #expect(machine.nextStep(now: 2, isWritable: true, buffered: 0) == .read(after: 10, knownLoss: 3))
        #expect(machine.read(through: 12, hasEvents: true, now: 2) == true)
        machine.beganWrite(own: 70)
        #expect(machine.nextStep(now: 3, isWritable: true, buffered: 70) == .done)
        #expect(machine.held == 70)
        #expect(machine.state == .blocked(.init(since: 3, buffered: 70)))
        // Room alone is not enough, but it is progress.
        #expect(machine.becameWritable(now: 4, buffered: 60) == false)
        #expect(machine.state == .blocked(.init(since: 4, buffered: 60)))
        #expect(machine.endedWrite(own: 70, isWritable: true) == true)
        #expect(machine.held == 0 && machine.isShortening)
    }

    @Test func `the subscriber's own bytes wait for room while the channel is full`() {
        var machine = Self.machine()
        #expect(machine.read(through: 12, hasEvents: true, now: 0) == true)
        machine.beganWrite(own: 70)
        #expect(machine.nextStep(now: 0, isWritable: false, buffered: 90) == .done)
        #expect(machine.endedWrite(own: 70, isWritable: false) == false)
        #expect(machine.becameWritable(now: 0, buffered: 0) == true)
    }

    @Test func `events are left out only for a subscriber that had caught up`() {
        var newcomer = Self.blocked(lag: 500, isLive: false)
        #expect(newcomer.becameWritable(now: 1, buffered: 0) == true)
        #expect(!newcomer.isShortening)
        var old = Self.blocked()
        #expect(old.becameWritable(now: 1, buffered: 0) == true)
        #expect(old.isShortening)
        old.skipped(through: 20, now: 1)
        #expect(old.nextStep(now: 1, isWritable: true, buffered: 0) == .read(after: 20, knownLoss: 20))
    }

    @Test func `forgotten events are reported as a gap, or end the connection`() throws {
        var machine = Self.machine()
        #expect(machine.lost(through: 15, try Self.timing { $0.slowClient.policy = .dropOldest }, now: 0) == .writeGap(since: 10))
        #expect(machine.nextStep(now: 0, isWritable: true, buffered: 0) == .read(after: 10, knownLoss: 15))
        #expect(machine.lost(through: 16, try Self.timing(), now: 0) == .close)
        #expect(machine.state == .closed(.slow))
    }

    @Test func `a turn of a subscriber that has ended meanwhile writes nothing`() {
        var machine = Self.machine()
        #expect(machine.disconnect(.client) == .close)
        #expect(machine.nextStep(now: 0, isWritable: true, buffered: 0) == .done)
        #expect(machine.read(through: 12, hasEvents: true, now: 0) == false)
        machine.caughtUp(to: 12)
        machine.skipped(through: 12, now: 0)
        machine.needsNoShortening()
        #expect(machine.state == .closed(.client) && machine.position == 10)
        #expect(!machine.mayBypassChannel)
    }

    // MARK: - Time

    @Test func `a quiet subscriber gets a comment one phase before the heartbeat, and other data postpones it`()
        throws
    {
        let timing = try Self.timing()
        var machine = Self.live()
        machine.opened(phase: 3, now: 100)
        #expect(Self.tick(&machine, timing, 112) == .nothing)
        #expect(Self.tick(&machine, timing, 113) == .writeComment)
        #expect(Self.tick(&machine, timing, 114) == .nothing)
        #expect(machine.deliver(after: 10, through: 11, now: 120, isWritable: true, buffered: 0) == .write)
        #expect(Self.tick(&machine, timing, 132) == .nothing)
        #expect(Self.tick(&machine, timing, 133) == .writeComment)
    }

    @Test func `a quiet subscriber of a selection gets the cursor of the streams once`() throws {
        let timing = try Self.timing()
        var machine = Self.live()
        #expect(Self.tick(&machine, timing, 16, through: 30) == .writeCursor(30))
        #expect(machine.position == 30)
        #expect(Self.tick(&machine, timing, 32, through: 30) == .writeComment)
        #expect(machine.historyGrew(now: 33, isWritable: true, buffered: 0) == true)
        #expect(machine.read(through: 35, hasEvents: false, now: 33) == false)
        #expect(Self.tick(&machine, timing, 48, through: 35) == .writeComment, "it still reads")
        machine.caughtUp(to: 35)
        #expect(Self.tick(&machine, timing, 64, through: 35) == .writeCursor(35))
        #expect(Self.tick(&machine, timing, 80, through: 35) == .writeComment)
    }

    @Test func `a reader that reads nothing is closed after the stall time, and each byte it reads postpones that`() throws {
        let timing = try Self.timing()
        var machine = Self.blocked()
        #expect(Self.tick(&machine, timing, 4) == .nothing)
        #expect(Self.tick(&machine, timing, 5, buffered: 99) == .nothing)
        #expect(Self.tick(&machine, timing, 9, buffered: 99) == .nothing)
        #expect(Self.tick(&machine, timing, 10, buffered: 99) == .close)
        #expect(machine.state == .closed(.stalled))
    }

    @Test func `a slow reader is closed once it exceeds its limit, and no earlier`() throws {
        let timing = try Self.timing { $0.slowClient.bytes = 1000 }
        var machine = Self.blocked()
        #expect(Self.tick(&machine, timing, 1, buffered: 9, lag: 1000) == .nothing)
        #expect(Self.tick(&machine, timing, 2, buffered: 8, lag: 1001) == .close)
        #expect(machine.state == .closed(.slow))
        // Requested history does not count.
        var newcomer = Self.blocked(lag: 500, isLive: false)
        #expect(Self.tick(&newcomer, timing, 1, buffered: 9, lag: 1500) == .nothing)
        #expect(Self.tick(&newcomer, timing, 2, buffered: 8, lag: 1501) == .close)
        for policy in [SSESinkConfiguration.SlowClient.Policy.dropOldest, .conflate] {
            var other = Self.blocked()
            let timing = try Self.timing { $0.slowClient.policy = policy }
            #expect(Self.tick(&other, timing, 1, buffered: 9, lag: .max) == .nothing)
        }
    }

    @Test func `a connection ends when it is old enough, also across the wrap of the clock`() throws {
        let timing = try Self.timing()
        var machine = Self.live(now: .max - 1, until: 3)
        #expect(Self.tick(&machine, timing, .max) == .nothing)
        #expect(Self.tick(&machine, timing, 2) == .nothing)
        #expect(Self.tick(&machine, timing, 3) == .writeFarewell(10))
        #expect(Self.tick(&machine, timing, 4) == .nothing)
        #expect(machine.removed() == .aged)
    }

    // MARK: - Ends

    @Test func `a stop writes a farewell and closes once it is sent`() {
        var machine = Self.live()
        #expect(machine.stop(.expired, now: 0, isWritable: true) == .writeFarewell(10))
        #expect(machine.isEnding && !machine.mayBypassChannel)
        #expect(machine.deliver(after: 10, through: 11, now: 0, isWritable: true, buffered: 0) == .skip)
        #expect(machine.historyGrew(now: 0, isWritable: true, buffered: 0) == false)
        #expect(machine.stop(.stopped, now: 0, isWritable: true) == .nothing)
        #expect(machine.farewellEnded() == .close)
        #expect(machine.farewellEnded() == .nothing)
        #expect(machine.removed() == .expired)
    }

    @Test func `a stop closes at once when there is no room for a farewell`() {
        var full = Self.machine()
        #expect(full.stop(.stopped, now: 0, isWritable: false) == .close)
        var blocked = Self.blocked()
        #expect(blocked.stop(.stopped, now: 0, isWritable: true) == .close)
        #expect(blocked.state == .closed(.stopped))
    }

    @Test func `an unread farewell is dropped after the stall time`() throws {
        let timing = try Self.timing()
        var machine = Self.live()
        #expect(machine.stop(.removed, now: 0, isWritable: true) == .writeFarewell(10))
        #expect(Self.tick(&machine, timing, 1, buffered: 90) == .nothing)
        #expect(Self.tick(&machine, timing, 3, buffered: 80) == .nothing)
        #expect(Self.tick(&machine, timing, 7, buffered: 80) == .nothing)
        #expect(Self.tick(&machine, timing, 8, buffered: 80) == .close)
        #expect(machine.removed() == .removed)
    }

    @Test func `the first reason of an end is the one that counts`() {
        var machine = Self.live()
        #expect(machine.stop(.aged, now: 0, isWritable: true) == .writeFarewell(10))
        #expect(machine.disconnect(.client) == .close)
        #expect(machine.disconnect(.failed) == .nothing)
        #expect(machine.removed() == .aged)
        var other = Self.live()
        #expect(other.removed() == .client)
        #expect(other.stop(.stopped, now: 0, isWritable: true) == .nothing)
    }

    @Test func `the budget counts the bytes in the channel, and only shrinks after the end`() {
        var machine = Self.machine()
        machine.beganWrite(own: 70)
        machine.beganWrite(own: 0)
        machine.beganWrite(own: 30)
        #expect(machine.budget(counted: 0) == 100)
        #expect(machine.disconnect(.memory) == .close)
        #expect(machine.budget(counted: 70) == 70)
        #expect(machine.budget(counted: 0) == 0)
        _ = machine.endedWrite(own: 70, isWritable: false)
        #expect(machine.budget(counted: 70) == 30)
    }
}
