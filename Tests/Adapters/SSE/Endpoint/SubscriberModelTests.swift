import BridgeTesting
import Testing

@testable import SSEAdapter

/// Random lives of a subscriber, with a socket, a channel and a history that a few numbers represent.
@Suite struct SubscriberModelTests {
    @Test(arguments: [SSESinkConfiguration.SlowClient.Policy.disconnect, .dropOldest, .conflate])
    func `events arrive in order and once, and every wait ends`(
        _ policy: SSESinkConfiguration.SlowClient.Policy
    ) throws {
        var ends: Set<String> = []
        var live = 0
        for seed in 0..<120 {
            let model = try SubscriberModel(seed: UInt64(seed), policy: policy)
            for _ in 0..<300 { model.step() }
            model.settle()
            #expect(model.failures.isEmpty, "seed \(seed): \(model.failures.first ?? "")")
            if case .closed(let end) = model.machine.state { ends.insert(end.rawValue) } else { live += 1 }
        }
        // The lives are varied enough to mean something.
        #expect(live > 5)
        #expect(ends.isSuperset(of: ["stalled", "stopped", "memory", "client"]))
        #expect(ends.contains("slow") == (policy == .disconnect))
    }
}

/// A subscriber's surroundings: an event takes ten bytes, the channel is full at a hundred.
private final class SubscriberModel {
    private enum Item: Equatable {
        case event(UInt64)
        case gap(through: UInt64)
        case cursor(UInt64)
        case comment
        case farewell
    }

    private struct Write {
        let items: [Item]
        var bytes: Int
        let own: Int
        var copied = 0
        let isFarewell: Bool
    }

    private static let bound = 300
    private let timing: SSEStreamTiming
    private let policy: SSESinkConfiguration.SlowClient.Policy
    private let hasDescriptor: Bool
    private var generator: SeededGenerator
    /// How many bytes the reader takes at once; 0 once it has stopped.
    private var pace: Int
    private(set) var machine: SSESubscriber.StateMachine
    private(set) var failures: [String] = []

    // The history: sequences of the view's events, everything up to `head` is published.
    private var events: [UInt64] = []
    private var head: UInt64
    private var delivered: UInt64
    private var forgotten: UInt64
    private var rendered: UInt64
    // The socket and the channel.
    private var room = 0
    private var channel: [Write] = []
    private var isWritable = true
    private var isFlushing = false
    private var isClosed = false
    private var hasEnded = false
    private var mustRead = true
    private var counted = 0
    private var now: UInt32 = 0
    /// Ticks in a wait without progress.
    private var idle = 0
    private var lastBuffered = 0
    private var allowance: UInt64
    /// Everything up to here was written in order, reported in a gap, or replaced.
    private var covered: UInt64
    private var sent: [Item] = []
    private var written: [Item] = []

    init(seed: UInt64, policy: SSESinkConfiguration.SlowClient.Policy) throws {
        var generator = SeededGenerator(seed: seed)
        self.policy = policy
        self.timing = try SubscriberStateMachineTests.timing {
            $0.slowClient.policy = policy
            $0.slowClient.bytes = Self.bound
        }
        self.hasDescriptor = seed % 4 > 0
        self.head = 50
        let events = (UInt64(1)...50).filter { _ in Bool.random(using: &generator) }
        self.events = events
        self.delivered = 50
        self.rendered = 50
        self.forgotten = 5
        let start = UInt64.random(in: 5...50, using: &generator)
        self.covered = start
        let lag = UInt64(events.count { $0 > start } * 10)
        self.allowance = lag
        self.machine = .init(
            start: SSEResolution(position: start, knownLoss: 5, gap: nil, lag: lag), now: 0, until: seed % 10 == 9 ? 30 : nil)
        self.generator = generator
        self.pace = [60, 20, 5][Int(seed % 3)]
        self.machine.opened(phase: UInt32(seed % 8), now: 0)
    }

    private var buffered: Int { self.channel.reduce(0) { $0 + $1.bytes } }

    private func lag(_ position: UInt64) -> UInt64 { UInt64(self.events.count { $0 > position } * 10) }

    // MARK: - What happens

    func step() {
        switch Int.random(in: 0..<100, using: &self.generator) {
        case 0..<35: self.publish()
        case 35..<65:
            if Int.random(in: 0..<200, using: &self.generator) == 0 { self.pace = 0 }
            self.take(Int.random(in: 0...self.pace, using: &self.generator))
        case 65..<80: self.turn()
        case 80..<96: self.tick()
        case 96..<98:
            if self.forgotten < self.machine.position || Int.random(in: 0..<10, using: &self.generator) == 0 {
                self.forgotten = max(self.forgotten, self.head - min(self.head, 60))
            }
        default:
            guard Int.random(in: 0..<6, using: &self.generator) == 0 else { break }
            switch Int.random(in: 0..<3, using: &self.generator) {
            case 0: self.perform(self.machine.stop(.stopped, now: self.now, isWritable: self.isWritable))
            case 1: self.shed()
            default: self.perform(self.machine.disconnect(.client))
            }
        }
        self.check()
    }

    /// The reader takes everything and nothing new comes.
    func settle() {
        for _ in 0..<200 {
            self.take(1000)
            self.turn()
            self.check()
        }
        guard !self.machine.isEnding else { return }
        if self.machine.state != .live { self.fail("it is \(self.machine.state) though everything was taken") }
        if let missing = self.events.first(where: { $0 > self.covered }) { self.fail("\(missing) was never written") }
        if self.sent != self.written { self.fail("bytes are missing") }
    }

    private func publish() {
        let count = UInt64.random(in: 1...4, using: &self.generator)
        let new = (self.head + 1...self.head + count).filter { _ in Int.random(in: 0..<3, using: &self.generator) > 0 }
        self.events += new
        self.head += count
        // Another loop may read the history before its delivery comes.
        if Int.random(in: 0..<4, using: &self.generator) == 0 { self.turn() }
        self.delivered = self.head
        guard let last = new.last else { return }
        let previous = self.rendered
        self.rendered = last
        let before = self.machine.state
        let delivery = self.machine.deliver(
            after: previous, through: last, now: self.now, isWritable: self.isWritable, buffered: self.buffered)
        switch delivery {
        case .skip: if before == .live, self.isWritable, self.covered < last { self.fail("\(last) was skipped") }
        case .startReading: self.startReading()
        case .write: self.write(new.map(Item.event), bytes: new.count * 10, own: 0)
        }
    }

    private func startReading() {
        guard case .reading = self.machine.state else { return self.fail("it reads while \(self.machine.state)") }
        if self.mustRead { self.fail("two readers") }
        self.mustRead = true
        if Bool.random(using: &self.generator) { self.turn() }
    }

    private func turn() {
        for _ in 0..<Int.random(in: 1...3, using: &self.generator) {
            guard self.mustRead else { return }
            switch self.machine.nextStep(now: self.now, isWritable: self.isWritable, buffered: self.buffered) {
            case .done: self.mustRead = false
            case .shorten: self.shorten()
            case .read(let position, let knownLoss): self.read(after: position, knownLoss)
            }
        }
    }

    private func read(after position: UInt64, _ knownLoss: UInt64) {
        if position >= self.head {
            self.machine.caughtUp(to: self.head)
            self.allowance = 0
            self.mustRead = false
        } else if self.forgotten > max(position, knownLoss) {
            switch self.machine.lost(through: self.forgotten, self.timing, now: self.now) {
            case .close: self.perform(.close)
            case .writeGap(let since):
                if let missing = self.events.first(where: { $0 > self.covered && $0 <= since }) {
                    self.fail("the gap begins behind \(missing)")
                }
                self.write([.gap(through: self.forgotten)], bytes: 5, own: 8)
            }
        } else {
            let through = min(self.head, max(position, self.forgotten) + UInt64.random(in: 1...6, using: &self.generator))
            let new = self.events.filter { $0 > max(position, self.forgotten) && $0 <= through }
            guard self.machine.read(through: through, hasEvents: !new.isEmpty, now: self.now) else { return }
            self.write(new.map(Item.event), bytes: new.count * 10, own: new.count * 16)
        }
    }

    private func shorten() {
        let position = self.machine.position
        switch self.policy {
        case .dropOldest where self.lag(position) > UInt64(Self.bound):
            let through = self.events[self.events.count - Self.bound / 20]
            self.machine.skipped(through: through, now: self.now)
            self.write([.gap(through: through)], bytes: 5, own: 8)
        case .conflate:
            // The latest two represent the rest.
            let latest = self.events.filter { $0 > position }.suffix(2)
            self.covered = max(self.covered, (latest.first ?? 1) - 1)
            guard self.machine.read(through: self.head, hasEvents: !latest.isEmpty, now: self.now) else { return }
            self.write(latest.map(Item.event), bytes: latest.count * 10, own: latest.count * 16)
        case .disconnect, .dropOldest: self.machine.needsNoShortening()
        }
    }

    private func tick() {
        self.now &+= 1
        let (before, position, buffered) = (self.machine.state, self.machine.position, self.buffered)
        let action = self.machine.tick(
            self.timing, now: self.now, through: self.delivered, isWritable: self.isWritable, buffered: buffered,
            lag: self.lag)
        if case .blocked = before {
            let isTooFar = self.policy == .disconnect && self.lag(position) > UInt64(Self.bound) + self.allowance
            if self.machine.state == .closed(.slow), !isTooFar { self.fail("it was closed too early") }
            if isTooFar, !self.machine.isEnding { self.fail("it may not be so far behind") }
        }
        self.perform(action)
        self.countIdleTicks(buffered)
    }

    private func countIdleTicks(_ buffered: Int) {
        switch self.machine.state {
        case .blocked, .finishing: self.idle = buffered == self.lastBuffered ? self.idle + 1 : 0
        case .live, .reading, .closed: self.idle = 0
        }
        self.lastBuffered = buffered
        if self.idle > Int(self.timing.stallTicks) + 1 { self.fail("\(self.machine.state) has no end") }
    }

    // MARK: - What it does

    private func perform(_ action: SSESubscriber.StateMachine.Action) {
        switch action {
        case .nothing: break
        case .writeComment: self.write([.comment], bytes: 2, own: 0)
        case .writeCursor(let sequence):
            if sequence > self.delivered { self.fail("the cursor \(sequence) is ahead") }
            self.write([.cursor(sequence)], bytes: 5, own: 0)
        case .writeFarewell(let sequence):
            if let missing = self.events.first(where: { $0 > self.covered && $0 <= sequence }) {
                self.fail("the farewell skips \(missing)")
            }
            self.enqueue(Write(items: [.farewell], bytes: 5, own: 0, isFarewell: true))
        case .close: self.close()
        }
    }

    private func write(_ items: [Item], bytes: Int, own: Int) {
        if self.machine.isEnding { self.fail("\(items) written after the end") }
        var bytes = bytes
        if self.hasDescriptor, self.machine.mayBypassChannel {
            if !self.channel.isEmpty { self.fail("\(items) pass by the channel") }
            let count = min(bytes, self.room)
            self.room -= count
            bytes -= count
            if bytes == 0 {
                self.note(items)
                self.sent += items
                return
            }
        }
        // Without a descriptor it is encrypted.
        let copied = self.hasDescriptor || own > 0 ? 0 : bytes
        self.enqueue(Write(items: items, bytes: bytes, own: own, copied: copied, isFarewell: false))
    }

    private func enqueue(_ write: Write) {
        if self.isClosed || self.hasEnded { self.fail("\(write.items) written after the close") }
        if write.isFarewell { self.hasEnded = true }
        self.note(write.items)
        if !write.isFarewell { self.machine.beganWrite(own: write.own, copied: write.copied) }
        self.channel.append(write)
        self.updateWritability()
        self.flush()
        self.count()
    }

    /// Checks that each event of the view comes once and in order.
    private func note(_ items: [Item]) {
        self.written += items
        for item in items {
            switch item {
            case .event(let sequence):
                if sequence <= self.covered { self.fail("\(sequence) comes twice") }
                if let missing = self.events.first(where: { $0 > self.covered && $0 < sequence }) {
                    self.fail("\(missing) is missing before \(sequence)")
                }
                self.covered = max(self.covered, sequence)
            case .gap(let through): self.covered = max(self.covered, through)
            case .cursor(let sequence):
                if let missing = self.events.first(where: { $0 > self.covered && $0 <= sequence }) {
                    self.fail("the cursor \(sequence) skips \(missing)")
                }
            case .comment, .farewell: break
            }
        }
    }

    private func count() {
        self.counted = self.machine.budget(counted: self.counted)
    }

    private func shed() {
        self.perform(self.machine.disconnect(.memory))
        self.counted = 0
    }

    private func close() {
        guard !self.isClosed else { return self.fail("closed twice") }
        self.isClosed = true
        let writes = self.channel
        self.channel = []
        for write in writes { self.end(write) }
        self.count()
    }

    private func take(_ bytes: Int) {
        self.room = min(80, self.room + bytes)
        self.flush()
    }

    /// The socket takes what it has room for; the channel reports that as it happens.
    private func flush() {
        guard !self.isFlushing else { return }
        self.isFlushing = true
        while let write = self.channel.first, !self.isClosed {
            let count = min(write.bytes, self.room)
            self.room -= count
            guard count == write.bytes else {
                self.channel[0].bytes -= count
                break
            }
            self.channel.removeFirst()
            self.sent += write.items
            self.end(write)
        }
        self.isFlushing = false
        self.updateWritability()
    }

    private func end(_ write: Write) {
        if write.isFarewell {
            self.perform(self.machine.farewellEnded())
        } else {
            let mayRead = self.machine.endedWrite(
                own: write.own, copied: write.copied, isWritable: self.isWritable && !self.isClosed)
            if write.own + write.copied > 0 { self.count() }
            if mayRead { self.startReading() }
        }
    }

    private func updateWritability() {
        let buffered = self.buffered
        if buffered > 100 { self.isWritable = false }
        guard !self.isWritable, buffered < 30, !self.isClosed else { return }
        self.isWritable = true
        if self.machine.becameWritable(now: self.now, buffered: buffered) { self.startReading() }
    }

    // MARK: - What must hold

    private func check() {
        let own = self.channel.reduce(0) { $0 + $1.own }
        if self.machine.held != own { self.fail("it holds \(own), not \(self.machine.held)") }
        let held = own + self.channel.reduce(0) { $0 + $1.copied }
        if self.machine.isEnding ? self.counted > held : self.counted != held {
            self.fail("\(self.counted) of \(held) are counted")
        }
        let limit = SSESubscriber.StateMachine.maximumPendingWrites
        // A comment, a cursor or a gap may come in addition.
        if self.channel.count > limit + 3 { self.fail("the channel holds \(self.channel.count) writes") }
        if self.isClosed, self.counted != 0 { self.fail("a closed one counts \(self.counted)") }
        if Array(self.written.prefix(self.sent.count)) != self.sent { self.fail("bytes left out of order") }
        switch self.machine.state {
        case .live:
            if own > 0 { self.fail("it is live with bytes of its own in the channel") }
            if let missing = self.events.first(where: { $0 > self.covered && $0 <= self.delivered }) {
                self.fail("it is live without \(missing)")
            }
        case .reading: if !self.mustRead { self.fail("nobody reads") }
        case .blocked:
            if self.isWritable, own == 0, self.channel.count <= limit / 2 { self.fail("it waits for nothing") }
        case .finishing: if self.isClosed { self.fail("it is closed") }
        case .closed: if !self.isClosed { self.fail("it is not closed") }
        }
    }

    private func fail(_ text: String) {
        self.failures.append(text)
    }
}
