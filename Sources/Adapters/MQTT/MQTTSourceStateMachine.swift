import BridgeCore
import Mosquitto

/// Decides for one connection of an MQTT source which filters it requests, when it reads, which messages it holds, and
/// when it acknowledges.
///
/// A value without I/O: ``MQTTSourceSession`` reports events and performs the ``MQTTSourceAction``s, in order. Confined
/// to its owner.
///
/// Invariants:
/// 1. Nothing is acknowledged before every message that was read is safe, including held ones.
/// 2. Every message of QoS 1 that was read is acknowledged once, in order of arrival, as soon as all are safe.
/// 3. At most ``MQTTPubackWindow/limit`` messages of QoS 1, plus one batch, are read before they are acknowledged.
/// 4. Nothing is read after ``stop()``, and the connection ends only when every message that was read is acknowledged.
/// 5. An unanswered SUBSCRIBE has a deadline while the source reads, and none is sent while the source does not read.
/// 6. Until it resumes, a paused source reads at most ``pausedAllowance`` plus one batch, over all connections.
struct MQTTSourceStateMachine {
    /// The phase of the connection.
    enum State: Equatable {
        /// There is no CONNACK yet.
        case connecting
        /// The first requests are being written; nothing is read yet.
        case requesting
        /// A SUBSCRIBE is unanswered: the source reads within limits even while paused.
        case subscribing
        /// Every request is answered.
        case reading
        /// The source must end, and waits until what it has read is safe.
        case stopping
        /// Everything is acknowledged.
        case ended
    }

    /// The settings of the source that matter here.
    struct Settings {
        /// MQTT 5, else MQTT 3.1.1.
        let isFive: Bool
        let subscriptions: [MQTTSubscription]
        /// Whether the broker keeps a session after the connection.
        let keepsSession: Bool
        /// MQTT 5 §3.8.3.1.
        let noLocal: Bool
    }

    /// State that one connection passes to the next.
    struct Carried: Equatable {
        /// Whether a message has arrived at QoS 0, or a filter was granted with it: the broker does not store those.
        var hasAtMostOnce = false
        /// The reason codes of refused filters that were logged, by filter.
        var refusals: [ExactText: Int32] = [:]
        /// Bytes of messages that were read while paused.
        var pausedBytes = 0
    }

    /// The actions of one round, in this order.
    struct Step {
        /// SUBSCRIBE packets for filters that were refused.
        var requests: [MQTTSourceAction]
        /// How many messages are acknowledged, the oldest first.
        var acknowledgements: Int
        /// Whether the connection ends once that is written.
        var isLast: Bool
        /// Whether to read packets of the broker.
        var reads: Bool
    }

    private enum Phase: Equatable {
        case connecting
        /// - isNew: whether nothing was stored about the session.
        case requesting(isNew: Bool)
        case open
        case stopping
        case ended
    }

    /// How many bytes of messages a paused source may read while it waits for the answer to a SUBSCRIBE.
    static let pausedAllowance = 4 << 20

    private let settings: Settings
    private var phase = Phase.connecting
    private var subscriptions: MQTTSubscriptionStateMachine
    private var window = MQTTPubackWindow()
    private var loopDetector: MQTTLoopDetector
    /// Whether ``warning`` mentions a feedback loop.
    private var hasFeedback = false
    /// The state of the packet identifiers.
    private var packets: MQTTDuplicateDetector.Session?
    /// Whether a message has arrived at QoS 0, or a filter was granted with it.
    private(set) var hasAtMostOnce: Bool
    /// Whether the last round could request a filter, because its answer would be read.
    private var mayRequest = true
    /// Whether the source reads while paused, for the answer to a SUBSCRIBE.
    private var readsWhilePaused = false
    private var pausedBytes: Int

    init(_ settings: Settings, carried: Carried, now: ContinuousClock.Instant) {
        self.settings = settings
        self.subscriptions = MQTTSubscriptionStateMachine(
            isFive: settings.isFive, noLocal: settings.noLocal, reported: carried.refusals
        )
        self.loopDetector = MQTTLoopDetector(now: now)
        self.hasAtMostOnce = carried.hasAtMostOnce
        self.pausedBytes = carried.pausedBytes
    }

    var state: State {
        switch self.phase {
        case .connecting: .connecting
        case .requesting: .requesting
        case .open: self.subscriptions.isWaiting ? .subscribing : .reading
        case .stopping: .stopping
        case .ended: .ended
        }
    }

    var carried: Carried {
        Carried(hasAtMostOnce: self.hasAtMostOnce, refusals: self.subscriptions.reported, pausedBytes: self.pausedBytes)
    }

    /// A partial failure, for readiness; `nil` without one.
    var warning: String? {
        let topics = self.loopDetector.topics
        let more = topics.count > 1 ? " and \(topics.count - 1) more" : ""
        let loop = topics.first.map { "feedback loop at the topic \($0)\(more)" }
        let all = [self.subscriptions.warning, loop].compactMap { $0 }
        return all.isEmpty ? nil : all.joined(separator: "; ")
    }

    /// Whether ``safe(upTo:)`` can have an effect.
    var awaitsSafety: Bool { self.window.count > 0 }

    /// When the next action is due without any packet; `nil` for never.
    var nextDue: ContinuousClock.Instant? {
        // If a filter cannot be requested now, the change that allows it will wake the source.
        let request = self.mayRequest ? self.subscriptions.nextRequest : nil
        guard let held = self.loopDetector.next else { return request }
        return request.map { min($0, held) } ?? held
    }

    /// When the answer to a SUBSCRIBE becomes overdue; `nil` while none is awaited.
    var deadline: ContinuousClock.Instant? { self.phase == .open ? self.subscriptions.deadline : nil }

    /// The latest start of the next round if the broker sends nothing; `nil` for none.
    var waitEnd: ContinuousClock.Instant? {
        guard let deadline else { return self.nextDue }
        return self.nextDue.map { min($0, deadline) } ?? deadline
    }

    /// Whether the broker has exceeded the time to answer a SUBSCRIBE.
    ///
    /// A stopping source reads no answer and needs none.
    func isOverdue(now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        self.phase == .open && self.subscriptions.isOverdue(now: now())
    }

    // MARK: Connecting

    /// The broker has accepted the connection.
    ///
    /// - Parameter contents: what is stored about the session; ignored when the broker has none.
    mutating func connected(
        _ connack: MQTTConnack, remembered contents: MQTTSessionMemory.Contents
    ) -> [MQTTSourceAction] {
        precondition(self.phase == .connecting, "connected while \(self.phase)")
        let isResumed = connack.isSessionPresent
        let session = isResumed ? contents : MQTTSessionMemory.Contents()
        self.phase = .requesting(isNew: session.packets == nil)
        if session.hasAtMostOnce { self.hasAtMostOnce = true }
        let plan = MQTTSubscriptionPlan(
            self.settings.subscriptions, hasIdentifiers: self.settings.isFive && connack.takesSubscriptionIdentifiers
        )
        // With MQTT 3.1.1 the broker has its own window; no more keys than this are kept.
        let repeats = self.settings.isFive ? MQTTPubackWindow.limit : SourceOutlet.repeatMemory
        var actions: [MQTTSourceAction] = [
            .read(plan, repeatsAhead: isResumed ? repeats : 0),
            .endOffline(gap: self.gap(isResumed: isResumed)),
            .beginPackets(session.packets),
        ]
        if isResumed, session.packets == nil, session.filters.isEmpty { actions.append(.log(.unknownSession)) }
        actions += self.subscriptions.begin(plan, session: session, keepsSession: self.settings.keepsSession)
        return actions
    }

    /// Messages published while the source was disconnected are lost unless the broker stored them, and it never stores
    /// those of QoS 0.
    private func gap(isResumed: Bool) -> String? {
        guard isResumed else { return "the broker kept no session" }
        guard self.hasAtMostOnce || self.settings.subscriptions.contains(where: { $0.qos == 0 }) else { return nil }
        return "the broker stores no messages of qos 0"
    }

    /// The packet identifiers continue with this session.
    mutating func packetsBegan(_ session: MQTTDuplicateDetector.Session) {
        self.packets = session
    }

    /// A SUBSCRIBE is queued as the packet of this identifier.
    mutating func requested(_ entry: MQTTSubscriptionPlan.Entry, as packet: Int32, now: ContinuousClock.Instant) {
        self.subscriptions.requested(entry, as: packet, now: now)
    }

    /// An UNSUBSCRIBE is queued as the packet of this identifier.
    mutating func ending(as packet: Int32) {
        self.subscriptions.ending(as: packet)
    }

    /// The network has accepted the first requests; reading begins.
    mutating func requestsWritten() -> [MQTTSourceAction] {
        guard case .requesting(let isNew) = self.phase else { preconditionFailure("requests written while \(self.phase)") }
        self.phase = .open
        var actions: [MQTTSourceAction] = []
        // Not earlier with MQTT 3.1.1: after a kill, a session without subscriptions would look like the previous one.
        if isNew, !self.settings.isFive, self.settings.keepsSession { actions.append(.waitUntilKept) }
        if !self.subscriptions.isWaiting { self.subscriptions.complete(&actions) }
        return actions
    }

    // MARK: Reading

    /// Records what a batch has shown about the session.
    ///
    /// - Parameter hasAtMostOnce: whether a message has arrived at QoS 0.
    /// - Returns: whether that must be stored before the batch is forwarded.
    mutating func learned(_ session: MQTTDuplicateDetector.Session, hasAtMostOnce: Bool) -> Bool {
        let isFirst = hasAtMostOnce && !self.hasAtMostOnce
        if isFirst { self.hasAtMostOnce = true }
        guard session != self.packets || isFirst else { return false }
        self.packets = session
        return self.settings.keepsSession
    }

    /// A batch was read.
    ///
    /// - Parameters:
    ///   - messages: those that are accepted.
    ///   - acknowledgements: how many the broker expects an acknowledgement for, including those of ignored messages.
    ///   - bytes: the size of their packets.
    /// - Returns: the messages to forward now, without held ones and with released ones; report them with
    ///   ``forwarded(at:)``.
    mutating func messagesRead(
        _ messages: [ReceivedMessage], acknowledgements: Int, bytes: Int, now: ContinuousClock.Instant
    ) -> [ReceivedMessage] {
        if self.readsWhilePaused { self.pausedBytes += bytes }
        self.window.read(acknowledgements)
        return self.loopDetector.pass(messages, now: now)
    }

    /// Records that everything from ``messagesRead(_:acknowledgements:bytes:now:)`` and
    /// ``MQTTSourceAction/forward(_:)`` is in the log up to here.
    mutating func forwarded(at position: Position) {
        self.window.forwarded(at: position)
    }

    /// The broker has answered SUBSCRIBE and UNSUBSCRIBE packets; see ``MQTTSubscriptionStateMachine``.
    mutating func answered(
        subscribe: [(identifier: Int32, code: Int32)], unsubscribe: [Int32], now: @autoclosure () -> ContinuousClock.Instant
    ) -> [MQTTSourceAction] {
        self.subscriptions.answered(
            subscribe: subscribe, unsubscribe: unsubscribe, hasAtMostOnce: &self.hasAtMostOnce, now: now()
        )
    }

    // MARK: Rounds

    /// Stops the source: nothing more is read, and nothing is held.
    mutating func stop() {
        switch self.phase {
        case .open:
            self.phase = .stopping
            self.mayRequest = false
        case .stopping: break
        case .connecting, .requesting, .ended: preconditionFailure("stopped while \(self.phase)")
        }
    }

    /// Forwards messages that were held long enough, all of them when the source stops, and reports topics in a
    /// feedback loop.
    mutating func release(now: @autoclosure () -> ContinuousClock.Instant) -> [MQTTSourceAction] {
        var actions: [MQTTSourceAction] = []
        if self.loopDetector.isHolding {
            let released = self.phase == .stopping ? self.loopDetector.releaseAll() : self.loopDetector.release(now: now())
            if !released.isEmpty { actions.append(.forward(released)) }
            let found = self.loopDetector.takeFound()
            if !found.isEmpty {
                actions += found.map { .log(.feedback(topic: $0)) }
                actions.append(.ready)
                self.hasFeedback = true
            }
        }
        if self.hasFeedback, self.loopDetector.topics.isEmpty {
            self.hasFeedback = false
            actions.append(.ready)
        }
        return actions
    }

    /// Records a lost connection: held messages are forwarded nevertheless.
    mutating func lost() -> [MQTTSourceAction] {
        let held = self.loopDetector.releaseAll()
        return held.isEmpty ? [] : [.forward(held)]
    }

    /// Everything up to this position is safe.
    mutating func safe(upTo position: Position) {
        self.window.safe(upTo: position)
    }

    /// Decides the actions of this round.
    ///
    /// - Parameter isPaused: whether the source must pause; evaluated only if it matters.
    mutating func step(isPaused: @autoclosure () -> Bool, now: @autoclosure () -> ContinuousClock.Instant) -> Step {
        let isHeld = self.window.isHeld || (self.window.count > 0 && self.loopDetector.isHolding)
        let acknowledgements = isHeld ? 0 : self.window.acknowledge()
        switch self.phase {
        case .open:
            let hasRoom = self.window.hasRoom
            self.mayRequest = hasRoom && !isPaused()
            if self.mayRequest { self.pausedBytes = 0 }
            self.readsWhilePaused =
                hasRoom && !self.mayRequest && self.subscriptions.isWaiting && self.pausedBytes < Self.pausedAllowance
            let reads = self.mayRequest || self.readsWhilePaused
            if !reads { self.subscriptions.postponeDeadline(now: now()) }
            return Step(
                requests: self.mayRequest ? self.subscriptions.requestAgain(now: now()) : [],
                acknowledgements: acknowledgements, isLast: false, reads: reads
            )
        case .stopping:
            if !isHeld { self.phase = .ended }
            return Step(requests: [], acknowledgements: acknowledgements, isLast: !isHeld, reads: false)
        case .connecting, .requesting, .ended: preconditionFailure("a round while \(self.phase)")
        }
    }
}
