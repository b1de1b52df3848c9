import BridgeCore

/// The subscriptions of one connection: requested filters, outstanding answers, and refusals.
///
/// A value without I/O. Each filter is in one of four states: requested (a SUBSCRIBE is unanswered), granted, refused (due at some time),
/// or, with MQTT 3.1.1, still granted by the broker's session and not requested.
struct MQTTSubscriptionStateMachine {
    /// How long the broker may take to answer a SUBSCRIBE.
    static let answerLimit = Duration.seconds(10)

    private let isFive: Bool
    private let noLocal: Bool
    /// Unanswered SUBSCRIBE packets.
    private var requests: [Int32: MQTTSubscriptionPlan.Entry] = [:]
    private var answerBy = ContinuousClock.now
    /// Unanswered UNSUBSCRIBE packets.
    private var endings: Set<Int32> = []
    /// The number of wanted subscriptions.
    private var wanted = 0
    private var refused = MQTTRefusedFilters()
    /// The subscriptions to store once every request is answered; `nil` when that is done.
    private var unconfirmed: [MQTTSubscriptionPlan.Entry]?
    /// The subscriptions stored as granted, if the broker keeps a session.
    private var remembered: [MQTTSubscriptionPlan.Entry]?
    /// The reason codes that were logged, by filter; outlives the connection.
    private(set) var reported: [ExactText: Int32]

    /// - Parameters:
    ///   - isFive: whether the connection uses MQTT 5, else MQTT 3.1.1.
    ///   - noLocal: see MQTT 5 §3.8.3.1.
    ///   - reported: the reason codes that earlier connections have logged, by filter.
    init(isFive: Bool, noLocal: Bool, reported: [ExactText: Int32]) {
        self.isFive = isFive
        self.noLocal = noLocal
        self.reported = reported
    }

    /// Whether a SUBSCRIBE is unanswered.
    var isWaiting: Bool { !self.requests.isEmpty }
    /// When a refused filter is requested again; `nil` for never.
    var nextRequest: ContinuousClock.Instant? { self.refused.next }
    /// One sentence for readiness; `nil` while nothing is refused.
    var warning: String? { self.refused.description }

    /// The first moment at which an answer is overdue; `nil` while none is awaited.
    var deadline: ContinuousClock.Instant? { self.isWaiting ? self.answerBy + .nanoseconds(1) : nil }

    /// Restarts the time-out while no answer can be read.
    mutating func postponeDeadline(now: @autoclosure () -> ContinuousClock.Instant) {
        guard self.isWaiting else { return }
        self.answerBy = max(self.answerBy, now() + Self.answerLimit)
    }

    /// Whether the broker has exceeded the time limit for its answer.
    func isOverdue(now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        self.isWaiting && now() > self.answerBy
    }

    // MARK: Requests

    /// Decides the requests at the start of a connection.
    ///
    /// With MQTT 5 every connect requests every filter, because a broker that was killed may have restored an older
    /// session. An option limits retained messages to subscriptions that the broker lacks. MQTT 3.1.1 would send all of
    /// them, so a filter that the session holds is requested again only if its retained messages are ignored.
    ///
    /// - Parameters:
    ///   - session: what is stored about the broker's session; empty for a new one.
    ///   - keepsSession: whether the broker keeps a session after this connection.
    mutating func begin(
        _ plan: MQTTSubscriptionPlan, session: MQTTSessionMemory.Contents, keepsSession: Bool
    ) -> [MQTTSourceAction] {
        let wanted = Set(plan.entries.map { ExactText($0.wireFilter) })
        let stale = session.filters.filter { !wanted.contains(ExactText($0)) }
        var actions: [MQTTSourceAction] = []
        if keepsSession {
            actions.append(.rememberRequests(plan.entries, granted: session.granted, besides: stale))
            self.unconfirmed = plan.entries
            self.remembered = plan.entries
            if session.packets == nil, self.isFive { actions.append(.waitUntilKept) }
        }
        self.wanted = plan.entries.count
        for entry in plan.entries {
            let isGranted = session.granted.contains(ExactText(MQTTSessionMemory.description(of: entry)))
            if isGranted, !self.isFive, entry.subscription.retained != .ignore { continue }
            actions.append(self.request(entry, isGranted: isGranted))
        }
        // After the new ones, which may cover them, so that no message is missed.
        return actions + stale.map { .unsubscribe($0) }
    }

    /// - Parameter isGranted: whether the broker's session should have this subscription.
    private func request(_ entry: MQTTSubscriptionPlan.Entry, isGranted: Bool) -> MQTTSourceAction {
        .subscribe(
            entry, options: self.isFive ? entry.subscription.options(noLocal: self.noLocal, isGranted: isGranted) : 0
        )
    }

    /// A SUBSCRIBE for this entry is queued as the packet of this identifier.
    mutating func requested(_ entry: MQTTSubscriptionPlan.Entry, as packet: Int32, now: ContinuousClock.Instant) {
        self.requests[packet] = entry
        self.answerBy = now + Self.answerLimit
    }

    /// An UNSUBSCRIBE is queued as the packet of this identifier.
    mutating func ending(as packet: Int32) {
        self.endings.insert(packet)
    }

    /// Returns the refused filters that are due.
    mutating func requestAgain(now: @autoclosure () -> ContinuousClock.Instant) -> [MQTTSourceAction] {
        guard let due = self.refused.next else { return [] }
        let now = now()
        guard due <= now else { return [] }
        return self.refused.takeDue(now: now).map { self.request($0, isGranted: false) }
    }

    // MARK: Answers

    /// The broker has answered SUBSCRIBE (MQTT 5 §3.9.3, MQTT 3.1.1 §3.9.3) and UNSUBSCRIBE packets.
    ///
    /// - Parameters:
    ///   - subscribe: packet identifiers with the granted QoS or a reason code from 0x80; answers to no request are ignored.
    ///   - unsubscribe: packet identifiers.
    ///   - hasAtMostOnce: becomes true when a filter is granted with QoS 0.
    mutating func answered(
        subscribe: [(identifier: Int32, code: Int32)], unsubscribe: [Int32], hasAtMostOnce: inout Bool,
        now: @autoclosure () -> ContinuousClock.Instant
    ) -> [MQTTSourceAction] {
        guard self.isWaiting || !self.endings.isEmpty else { return [] }
        let wasWaiting = self.isWaiting
        var actions: [MQTTSourceAction] = []
        self.endings.subtract(unsubscribe)
        for (packet, code) in subscribe {
            guard let entry = self.requests.removeValue(forKey: packet) else { continue }
            if code < 0x80 {
                if code == 0 { hasAtMostOnce = true }
                self.granted(entry, code, &actions)
            } else if !self.refused(entry, code, now(), &actions) {
                return actions
            }
        }
        if !self.isWaiting, wasWaiting || self.endings.isEmpty { self.complete(&actions) }
        return actions
    }

    private mutating func granted(
        _ entry: MQTTSubscriptionPlan.Entry, _ code: Int32, _ actions: inout [MQTTSourceAction]
    ) {
        if code < entry.subscription.qos { actions.append(.log(.grantedLess(filter: entry.wireFilter, qos: code))) }
        self.reported[ExactText(entry.wireFilter)] = nil
        guard self.refused.granted(entry) else { return }
        actions.append(.log(.grantedAfterRefusal(filter: entry.wireFilter)))
        // A filter stored as refused is granted now.
        self.unconfirmed = self.remembered
    }

    /// A refused filter does not affect the others; the connection is useless only when no filter is left.
    ///
    /// - Returns: false when nothing is left.
    private mutating func refused(
        _ entry: MQTTSubscriptionPlan.Entry, _ code: Int32, _ now: ContinuousClock.Instant,
        _ actions: inout [MQTTSourceAction]
    ) -> Bool {
        let reason = self.isFive ? " (\(ComponentError.text(code)))" : ""
        self.refused.refused(entry, reason: reason, now: now)
        guard self.refused.count < self.wanted else {
            actions.append(.refusedAll(filter: entry.wireFilter, reason: reason))
            return false
        }
        // Once for each filter and reason, however often it is requested.
        if self.reported.updateValue(code, forKey: ExactText(entry.wireFilter)) != code {
            actions.append(.log(.refused(filter: entry.wireFilter, code: code)))
        }
        return true
    }

    /// Completes the requests: every one is answered, or there is none.
    mutating func complete(_ actions: inout [MQTTSourceAction]) {
        actions.append(.ready)
        guard self.endings.isEmpty, let entries = self.unconfirmed else { return }
        self.unconfirmed = nil
        actions.append(.rememberGranted(entries, refused: self.refused.filters))
    }
}
