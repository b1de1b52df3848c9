import BridgeCore

/// Decides for one connection of an MQTT sink how many messages it accepts, which are in flight, and which the broker
/// has refused.
///
/// A value without I/O: ``MQTTSinkSession`` reports events and performs the returned actions. Confined to its owner.
///
/// Invariants:
/// 1. No more messages are in flight than the broker's Receive Maximum (MQTT 5 §3.2.2.3.3) and the configuration allow.
/// 2. ``settle(now:)`` confirms a message only when it and every older one is answered.
/// 3. After a temporary refusal no further message is accepted, and the connection ends when the others are answered or
///    after ``patience``.
struct MQTTSinkStateMachine {
    /// The phase of the connection.
    enum State: Equatable {
        /// Accepts and sends messages.
        case publishing
        /// The inlet has ended; waits for the answers.
        case draining
        /// The broker has refused a message temporarily; waits for the other answers until then.
        case postponing(code: Int32, until: ContinuousClock.Instant)
        /// Everything is answered.
        case ended
    }

    /// The consequence of a refusal for its message.
    enum Refusal {
        /// The broker will never accept it.
        case final(Delivery)
        /// The broker may accept it later.
        case passing(Delivery)
    }

    /// The next step of the session once everything is written and settled.
    enum Step: Equatable {
        /// Waits for the broker, until this time at most; `nil` while no answer is due or messages are still unsent.
        case wait(until: ContinuousClock.Instant?)
        /// Ends the connection in order: everything is done.
        case end
        /// Ends the connection in order, so that the back-off begins: the broker has refused a message temporarily,
        /// with this code.
        case endPostponed(code: Int32)
        /// Closes the connection: the broker does not answer.
        case giveUp
    }

    /// The messages in flight at a lost connection.
    struct Loss {
        /// Messages that are answered although older ones are not.
        let confirmed: [Delivery]
        /// The oldest without an answer, and since when it is in flight.
        let oldest: (delivery: Delivery, since: ContinuousClock.Instant)?
        /// The number of messages without an answer.
        let count: Int
    }

    private struct InFlight {
        enum Answer {
            case open, final, postponed
        }

        let delivery: Delivery
        let packet: Int32
        let since: ContinuousClock.Instant
        var answer = Answer.open
    }

    /// Reason codes that are independent of the message, so that the same message may be accepted later (MQTT 5
    /// §3.4.2.1).
    ///
    /// Unspecified error, implementation specific error, packet identifier in use, quota exceeded. Not authorized
    /// (0x87) is not included: it is the broker's rule for that topic.
    private static let passing: Set<Int32> = [0x80, 0x83, 0x91, 0x97]
    /// How long the other answers are awaited after a temporary refusal.
    static let patience = Duration.seconds(5)

    /// How many messages may be in flight.
    let limit: Int
    /// How long the broker may leave the oldest message unanswered, while it answers no other one either.
    private let answerLimit: Duration
    private(set) var state = State.publishing
    private var inFlight: [InFlight] = []
    /// Answers arrive in order (MQTT 5 §4.6), so the search continues after the last one found.
    private var searchStart = 0
    /// The time of the last answer to a message.
    private var lastAnswer: ContinuousClock.Instant
    /// When bytes were last known to be unsent.
    private var lastUnflushed: ContinuousClock.Instant

    /// - Parameters:
    ///   - window: how many messages the configuration allows in flight.
    ///   - receiveMaximum: how many the broker allows, from 1.
    ///   - answerLimit: how long the broker may answer no message.
    init(window: Int, receiveMaximum: Int, answerLimit: Duration, now: ContinuousClock.Instant) {
        self.limit = min(window, receiveMaximum)
        self.answerLimit = answerLimit
        self.lastAnswer = now
        self.lastUnflushed = now
    }

    // MARK: Publishing

    /// How many messages may be accepted now.
    ///
    /// - Parameter window: another limit on messages in flight, such as for a message that is sent alone.
    func room(within window: Int) -> Int {
        guard case .publishing = self.state else { return 0 }
        return max(0, min(window, self.limit) - self.inFlight.count)
    }

    /// A message is queued as the packet of this identifier.
    mutating func published(_ delivery: Delivery, as packet: Int32, now: ContinuousClock.Instant) {
        self.inFlight.append(InFlight(delivery: delivery, packet: packet, since: now))
    }

    /// Records that the inlet has ended.
    mutating func inletEnded() {
        if case .publishing = self.state { self.state = .draining }
    }

    // MARK: Answers

    /// The broker has answered a message (PUBACK), or at QoS 0 the library has written it.
    ///
    /// - Parameter code: a refusal if it is 0x80 or higher.
    /// - Returns: the refusal; `nil` when the message is accepted, and for a packet without a delivery, such as a birth
    ///   message.
    mutating func answered(_ packet: Int32, code: Int32, now: @autoclosure () -> ContinuousClock.Instant) -> Refusal? {
        guard let index = self.index(of: packet) else { return nil }
        self.searchStart = index + 1
        guard code >= 0x80 else {
            self.inFlight[index].answer = .final
            return nil
        }
        let delivery = self.inFlight[index].delivery
        guard Self.passing.contains(code) else {
            self.inFlight[index].answer = .final
            return .final(delivery)
        }
        self.inFlight[index].answer = .postponed
        switch self.state {
        case .publishing, .draining: self.state = .postponing(code: code, until: now() + Self.patience)
        case .postponing, .ended: break
        }
        return .passing(delivery)
    }

    /// Whether a packet has a delivery without an answer.
    func isInFlight(_ packet: Int32) -> Bool { self.index(of: packet) != nil }

    private func index(of packet: Int32) -> Int? {
        let isMatch = { (entry: InFlight) in entry.packet == packet && entry.answer == .open }
        return self.inFlight[self.searchStart...].firstIndex(where: isMatch)
            ?? self.inFlight[..<self.searchStart].firstIndex(where: isMatch)
    }

    /// Settles answers: returns the answered messages without older unanswered ones.
    ///
    /// - Returns: the last of them and their number; `nil` when there is none.
    mutating func settle(now: @autoclosure () -> ContinuousClock.Instant) -> (through: Delivery, count: Int)? {
        if self.searchStart > 0 { self.lastAnswer = now() }
        self.searchStart = 0
        let count = self.inFlight.prefix { $0.answer == .final }.count
        guard count > 0 else { return nil }
        let last = self.inFlight[count - 1].delivery
        self.inFlight.removeFirst(count)
        return (last, count)
    }

    /// Decides the next step once the network has accepted all data.
    ///
    /// - Parameter isFlushed: whether the network has accepted everything; until then ``MQTTStallDetector`` watches the
    ///   broker.
    mutating func step(isFlushed: Bool, now: @autoclosure () -> ContinuousClock.Instant) -> Step {
        switch self.state {
        case .draining where self.inFlight.isEmpty:
            self.state = .ended
            return .end
        case .ended: return .end
        case .postponing(let code, let end):
            let isDone = now() >= end || !self.inFlight.contains { $0.answer == .open }
            return isDone ? .endPostponed(code: code) : .wait(until: end)
        case .publishing, .draining:
            guard let oldest = self.inFlight.first(where: { $0.answer == .open }) else { return .wait(until: nil) }
            // The broker cannot answer what it has not received: the time-out starts once everything is sent.
            guard isFlushed else {
                self.lastUnflushed = now()
                return .wait(until: nil)
            }
            let deadline = max(oldest.since, self.lastAnswer, self.lastUnflushed) + self.answerLimit
            return now() >= deadline ? .giveUp : .wait(until: deadline)
        }
    }

    /// The connection is lost.
    func lost() -> Loss {
        let open = self.inFlight.filter { $0.answer == .open }
        return Loss(
            confirmed: self.inFlight.filter { $0.answer == .final }.map(\.delivery),
            oldest: open.first.map { ($0.delivery, $0.since) }, count: open.count
        )
    }
}
