import BridgeCore
import NIOCore

/// Finds feedback loops, in which a received message makes another program, or this one, publish the same again; and
/// slows them.
///
/// A message that repeats at least ``rate`` times a second may be a loop or a sensor. Holding the message distinguishes
/// them: a loop stops, because nothing drives it, and a sensor continues. So the topic of such a message is held for a
/// moment. If more of the same arrive meanwhile, all held messages are forwarded and the message is no longer checked.
/// Otherwise it is a loop, and each further round is held longer. Nothing is dropped, and the messages of a topic keep
/// their order. Performs no I/O; for one connection.
struct MQTTLoopDetector {
    /// How often per second the same message must arrive, in each of three seconds, to be held.
    static let rate = 20
    /// How often it must arrive within one second to be held at once.
    static let burst = 200
    /// How long the first round is held; each further one twice as long.
    static let firstHold = Duration.seconds(1)
    static let longestHold = Duration.seconds(60)
    /// This many equal messages, received while one is held, show that they do not come from us.
    static let independent = 3
    /// How long a message that turned out not to loop is not checked.
    static let trust = Duration.seconds(600)
    /// The most messages of one topic that are held, the most topics, and the most messages that are counted in a second.
    static let capacity = (held: 100, topics: 64, counted: 512)
    /// Above this rate only one message in eight is checked.
    private static let sampling = 2000

    private struct Brake {
        /// The repeating message.
        var key: UInt64
        var hold = MQTTLoopDetector.firstHold
        var isConfirmed = false
        var held: [ReceivedMessage] = []
        /// How many equal messages have arrived since the first held one.
        var same = 0
        /// When the held messages are forwarded; `nil` if there are none.
        var due: ContinuousClock.Instant?
        var last: ContinuousClock.Instant
    }

    private var brakes: [ExactText: Brake] = [:]
    private var counts: [UInt64: Int] = [:]
    private var streaks: [UInt64: Int] = [:]
    private var trusted: [UInt64: ContinuousClock.Instant] = [:]
    private var windowStart: ContinuousClock.Instant
    private var windowCount = 0
    /// Whether the previous window was busy enough to check.
    private var isBusy = false
    /// Topics that were found to be in a feedback loop since ``takeFound()``.
    private var found: [String] = []

    init(now: ContinuousClock.Instant) {
        self.windowStart = now
    }

    /// Whether any message is held.
    var isHolding: Bool { self.brakes.contains { $0.value.due != nil } }

    /// When the first held message is forwarded; `nil` if there are none.
    var next: ContinuousClock.Instant? { self.brakes.isEmpty ? nil : self.brakes.values.compactMap(\.due).min() }

    /// The topics in a feedback loop, in alphabetical order.
    var topics: [String] { self.brakes.filter(\.value.isConfirmed).keys.map { String($0.text) }.sorted() }

    mutating func takeFound() -> [String] {
        defer { self.found.removeAll() }
        return self.found
    }

    /// Processes received messages.
    ///
    /// - Returns: the messages to forward now, including released ones.
    mutating func pass(_ messages: [ReceivedMessage], now: ContinuousClock.Instant) -> [ReceivedMessage] {
        if now - self.windowStart >= .seconds(1) { self.endWindow(now) }
        self.windowCount += messages.count
        guard self.isBusy || self.windowCount > Self.rate || !self.brakes.isEmpty else { return messages }
        var passing: [ReceivedMessage] = []
        passing.reserveCapacity(messages.count)
        let weight = self.windowCount > Self.sampling ? 8 : 1
        for (index, message) in zip((self.windowCount - messages.count)..., messages) {
            if self.brakes[ExactText(message.subject)] != nil {
                self.brake(message, now, weight, &passing)
            } else if index % weight == 0, self.isSuspect(message, weight) {
                var brake = Brake(key: Self.key(message), last: now)
                brake.held = [message]
                brake.due = now + brake.hold
                self.brakes[ExactText(message.subject)] = brake
            } else {
                passing.append(message)
            }
        }
        return passing
    }

    /// Returns the messages that were held long enough.
    mutating func release(now: ContinuousClock.Instant) -> [ReceivedMessage] {
        guard let next = self.next, next <= now else { return [] }
        var released: [ReceivedMessage] = []
        for (topic, brake) in self.brakes {
            guard let due = brake.due, due <= now else { continue }
            released += brake.held
            var brake = brake
            if !brake.isConfirmed { self.found.append(String(topic.text)) }
            brake.isConfirmed = true
            brake.hold = min(brake.hold * 2, Self.longestHold)
            brake.held = []
            brake.due = nil
            brake.last = now
            self.brakes[topic] = brake
        }
        return released
    }

    /// Returns all held messages.
    mutating func releaseAll() -> [ReceivedMessage] {
        defer { self.brakes.removeAll() }
        return self.brakes.values.flatMap(\.held)
    }

    private mutating func brake(
        _ message: ReceivedMessage, _ now: ContinuousClock.Instant, _ weight: Int, _ passing: inout [ReceivedMessage]
    ) {
        guard var brake = self.brakes[ExactText(message.subject)] else { return }
        let key = Self.key(message)
        let isSame = key == brake.key
        guard brake.due != nil else {
            // Another message may have replaced the looping one.
            guard isSame || self.isSuspect(message, weight) else { return passing.append(message) }
            brake.key = key
            brake.held = [message]
            brake.same = 0
            brake.due = now + brake.hold
            brake.last = now
            self.brakes[ExactText(message.subject)] = brake
            return
        }
        brake.held.append(message)
        if isSame { brake.same += 1 }
        if brake.same >= Self.independent || brake.held.count >= Self.capacity.held {
            passing += brake.held
            self.brakes[ExactText(message.subject)] = nil
            if self.trusted.count < Self.capacity.counted { self.trusted[brake.key] = now + Self.trust }
        } else {
            self.brakes[ExactText(message.subject)] = brake
        }
    }

    private mutating func isSuspect(_ message: ReceivedMessage, _ weight: Int) -> Bool {
        let key = Self.key(message)
        let before = self.counts[key]
        guard before != nil || self.counts.count < Self.capacity.counted else { return false }
        let count = (before ?? 0) + weight
        self.counts[key] = count
        guard count >= Self.burst || (count >= Self.rate && self.streaks[key, default: 0] >= 2) else { return false }
        return self.trusted[key] == nil && self.brakes.count < Self.capacity.topics
    }

    private mutating func endWindow(_ now: ContinuousClock.Instant) {
        let isNext = now - self.windowStart < .seconds(2)
        var streaks: [UInt64: Int] = [:]
        if isNext {
            for (key, count) in self.counts where count >= Self.rate { streaks[key] = self.streaks[key, default: 0] + 1 }
        }
        self.streaks = streaks
        self.counts.removeAll(keepingCapacity: true)
        self.isBusy = isNext && self.windowCount >= Self.rate
        self.windowStart = now
        self.windowCount = 0
        if !self.trusted.isEmpty { self.trusted = self.trusted.filter { $0.value > now } }
        // A loop that has ended is removed.
        if !self.brakes.isEmpty {
            self.brakes = self.brakes.filter { $0.value.due != nil || now - $0.value.last < $0.value.hold * 2 + .seconds(10) }
        }
    }

    /// A hash of the topic, and of the body's length and beginning.
    private static func key(_ message: ReceivedMessage) -> UInt64 {
        var hash = Fingerprint()
        hash.add(message.subject)
        hash.add(UInt64(message.body.readableBytes))
        message.body.withUnsafeReadableBytes { hash.add(UnsafeRawBufferPointer(rebasing: $0.prefix(128))) }
        return hash.value
    }
}
