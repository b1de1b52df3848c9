import BridgeCore

/// What one connection of an MQTT source does next: which filters it requests, when it reads, what it holds back, when it acknowledges.
///
/// A value without I/O: ``MQTTSourceSession`` reports what has happened and performs the ``MQTTSourceAction``s, in their order. Confined to
/// its owner, like any value.
///
/// Invariants:
/// 1. Nothing is acknowledged before everything that was read is safe, what is held back included.
/// 2. Every message of QoS 1 that was read is acknowledged once, in the order it came, as soon as everything is safe.
/// 3. No more than ``MQTTAcknowledgementWindow/limit`` messages of QoS 1, and one batch, are read before they are acknowledged.
/// 4. Nothing is read after ``stop()``, and the connection ends only when everything that was read is acknowledged.
struct MQTTSourceStateMachine {
    /// Where the connection is.
    enum State: Equatable {
        /// There is no CONNACK yet.
        case connecting
        /// The first requests are being written; nothing is read yet.
        case requesting
        /// A SUBSCRIBE is unanswered: the source reads even when it should pause.
        case subscribing
        /// Every request is answered.
        case reading
        /// The source shall end, and waits until what it has read is safe.
        case stopping
        /// Everything is acknowledged.
        case ended
    }

    /// What the configuration says.
    struct Settings {
        /// MQTT 5, else MQTT 3.1.1.
        let isFive: Bool
        let subscriptions: [MQTTSubscription]
        /// Whether the broker keeps a session after the connection.
        let keepsSession: Bool
        /// MQTT 5 §3.8.3.1.
        let noLocal: Bool
    }

    /// What one connection leaves for the next.
    struct Carried: Equatable {
        /// A message has come at QoS 0, or a filter was granted with it: the broker keeps nothing of that.
        var hasAtMostOnce = false
        /// The reason codes of refused filters that were logged, by filter.
        var refusals: [String: Int32] = [:]
    }

    /// What is done in one round, in this order.
    struct Turn {
        /// SUBSCRIBE packets for filters that were refused.
        var requests: [MQTTSourceAction]
        /// How many messages are acknowledged, the oldest first.
        var acknowledgements: Int
        /// The connection ends once that is written.
        var isLast: Bool
        /// Whether to read what the broker says.
        var reads: Bool
    }

    private enum Phase: Equatable {
        case connecting
        /// - isNew: nothing was remembered of the session.
        case requesting(isNew: Bool)
        case open
        case stopping
        case ended
    }

    private let settings: Settings
    private var phase = Phase.connecting
    private var subscriptions: MQTTSubscriptionStateMachine
    private var window = MQTTAcknowledgementWindow()
    private var feedback: MQTTFeedback
    /// Whether ``warning`` mentions a topic that feeds itself.
    private var hasFeedback = false
    /// What is remembered of the packet identifiers.
    private var packets: MQTTPacketIdentifiers.Session?
    /// A message has come at QoS 0, or a filter was granted with it.
    private(set) var hasAtMostOnce: Bool

    init(_ settings: Settings, carried: Carried, now: ContinuousClock.Instant) {
        self.settings = settings
        self.subscriptions = MQTTSubscriptionStateMachine(
            isFive: settings.isFive, noLocal: settings.noLocal, reported: carried.refusals
        )
        self.feedback = MQTTFeedback(now: now)
        self.hasAtMostOnce = carried.hasAtMostOnce
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

    var carried: Carried { Carried(hasAtMostOnce: self.hasAtMostOnce, refusals: self.subscriptions.reported) }

    /// What does not work, for readiness; `nil` when everything does.
    var warning: String? {
        let topics = self.feedback.topics
        let circle = topics.first.map { "the topic \($0)\(topics.count > 1 ? " and \(topics.count - 1) more" : "") feeds itself" }
        let all = [self.subscriptions.warning, circle].compactMap { $0 }
        return all.isEmpty ? nil : all.joined(separator: "; ")
    }

    /// Whether ``safe(upTo:)`` can make a difference.
    var awaitsSafety: Bool { self.window.count > 0 }

    /// When there is something to do, whatever the broker says; `nil` for never.
    var nextDue: ContinuousClock.Instant? {
        guard let held = self.feedback.next else { return self.subscriptions.nextRequest }
        return self.subscriptions.nextRequest.map { min($0, held) } ?? held
    }

    /// Whether the broker has exceeded the time to answer a SUBSCRIBE.
    func isOverdue(now: @autoclosure () -> ContinuousClock.Instant) -> Bool { self.subscriptions.isOverdue(now: now()) }

    // MARK: Connecting

    /// The broker has accepted the connection.
    ///
    /// - Parameter contents: what is remembered of the session; ignored when the broker has none.
    mutating func connected(
        _ connack: MosquittoEvents.Connack, remembered contents: MQTTSessionMemory.Contents
    ) -> [MQTTSourceAction] {
        precondition(self.phase == .connecting, "connected while \(self.phase)")
        let isResumed = connack.isSessionPresent
        let session = isResumed ? contents : MQTTSessionMemory.Contents()
        self.phase = .requesting(isNew: session.packets == nil)
        if session.hasAtMostOnce { self.hasAtMostOnce = true }
        let plan = MQTTSubscriptionPlan(
            self.settings.subscriptions, hasIdentifiers: self.settings.isFive && connack.takesSubscriptionIdentifiers
        )
        // With MQTT 3.1.1 the window is the broker's own; more keys than this are not kept.
        let repeats = self.settings.isFive ? MQTTAcknowledgementWindow.limit : SourceOutlet.repeatMemory
        var actions: [MQTTSourceAction] = [
            .read(plan, repeatsAhead: isResumed ? repeats : 0),
            .endOffline(gap: self.gap(isResumed: isResumed)),
            .beginPackets(session.packets),
        ]
        if isResumed, session.packets == nil, session.filters.isEmpty { actions.append(.log(.unknownSession)) }
        actions += self.subscriptions.begin(plan, session: session, keepsSession: self.settings.keepsSession)
        return actions
    }

    /// What was published while the source was away is lost unless the broker kept it, and it keeps nothing that is published at QoS 0.
    private func gap(isResumed: Bool) -> String? {
        guard isResumed else { return "the broker kept no session" }
        guard self.hasAtMostOnce || self.settings.subscriptions.contains(where: { $0.qos == 0 }) else { return nil }
        return "the broker keeps nothing at qos 0"
    }

    /// The packet identifiers continue with this session.
    mutating func packetsBegan(_ session: MQTTPacketIdentifiers.Session) {
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

    /// The network has taken the first requests; reading begins.
    mutating func requestsWritten() -> [MQTTSourceAction] {
        guard case .requesting(let isNew) = self.phase else { preconditionFailure("requests written while \(self.phase)") }
        self.phase = .open
        var actions: [MQTTSourceAction] = []
        // With MQTT 3.1.1 not before: after a kill a session without subscriptions would look like the one that had them.
        if isNew, !self.settings.isFive, self.settings.keepsSession { actions.append(.waitUntilKept) }
        if !self.subscriptions.isWaiting { self.subscriptions.complete(&actions) }
        return actions
    }

    // MARK: Reading

    /// A batch was read, and has told this about the session.
    ///
    /// - Parameter hasAtMostOnce: whether a message has come at QoS 0.
    /// - Returns: whether that must be remembered before the batch is handed on.
    mutating func learned(_ session: MQTTPacketIdentifiers.Session, hasAtMostOnce: Bool) -> Bool {
        let isFirst = hasAtMostOnce && !self.hasAtMostOnce
        if isFirst { self.hasAtMostOnce = true }
        guard session != self.packets || isFirst else { return false }
        self.packets = session
        return self.settings.keepsSession
    }

    /// A batch was read.
    ///
    /// - Parameters:
    ///   - messages: those that are wanted.
    ///   - acknowledgements: how many the broker expects an acknowledgement for, the unwanted ones included.
    /// - Returns: what is handed on now, and reported with ``handedOn(at:)`` then; less what is held back because its topic may feed
    ///   itself, and with what was held back before.
    mutating func messagesRead(
        _ messages: [ReceivedMessage], acknowledgements: Int, now: ContinuousClock.Instant
    ) -> [ReceivedMessage] {
        self.window.read(acknowledgements)
        return self.feedback.pass(messages, now: now)
    }

    /// Everything that ``messagesRead(_:acknowledgements:now:)`` and ``MQTTSourceAction/handOn(_:)`` have given is in the log up to here.
    mutating func handedOn(at position: Position) {
        self.window.handedOn(at: position)
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

    /// The source shall end: nothing more is read, and nothing is held back.
    mutating func stop() {
        switch self.phase {
        case .open: self.phase = .stopping
        case .stopping: break
        case .connecting, .requesting, .ended: preconditionFailure("stopped while \(self.phase)")
        }
    }

    /// Hands on what was held back long enough, everything when the source stops, and reports topics that feed themselves.
    mutating func release(now: @autoclosure () -> ContinuousClock.Instant) -> [MQTTSourceAction] {
        var actions: [MQTTSourceAction] = []
        if self.feedback.isHolding {
            let released = self.phase == .stopping ? self.feedback.releaseAll() : self.feedback.release(now: now())
            if !released.isEmpty { actions.append(.handOn(released)) }
            let found = self.feedback.takeFound()
            if !found.isEmpty {
                actions += found.map { .log(.feedback(topic: $0)) }
                actions.append(.ready)
                self.hasFeedback = true
            }
        }
        if self.hasFeedback, self.feedback.topics.isEmpty {
            self.hasFeedback = false
            actions.append(.ready)
        }
        return actions
    }

    /// The connection is lost: what is held back is handed on all the same.
    mutating func lost() -> [MQTTSourceAction] {
        let held = self.feedback.releaseAll()
        return held.isEmpty ? [] : [.handOn(held)]
    }

    /// Everything up to this position is safe.
    mutating func safe(upTo position: Position) {
        self.window.safe(upTo: position)
    }

    /// Decides what is done in this round.
    ///
    /// - Parameter isPaused: whether what was sent is too much for now; looked at only where that decides.
    mutating func turn(isPaused: @autoclosure () -> Bool, now: @autoclosure () -> ContinuousClock.Instant) -> Turn {
        let isHeld = self.window.isHeld || (self.window.count > 0 && self.feedback.isHolding)
        let acknowledgements = isHeld ? 0 : self.window.acknowledge()
        switch self.phase {
        case .open:
            let reads = self.window.hasRoom && (self.subscriptions.isWaiting || !isPaused())
            return Turn(
                requests: self.subscriptions.requestAgain(now: now()), acknowledgements: acknowledgements, isLast: false,
                reads: reads
            )
        case .stopping:
            if !isHeld { self.phase = .ended }
            return Turn(requests: [], acknowledgements: acknowledgements, isLast: !isHeld, reads: false)
        case .connecting, .requesting, .ended: preconditionFailure("a round while \(self.phase)")
        }
    }
}
