import BridgeCore

/// An action that ``MQTTSourceStateMachine`` requests; the session performs actions in their order.
enum MQTTSourceAction {
    /// Reads messages by this plan; the broker may first resend this many of QoS 1.
    case read(MQTTSubscriptionPlan, repeatsAhead: Int)
    /// Counts the source as connected; reports messages published in the meantime as a gap, with this reason, unless it
    /// is `nil`.
    case endOffline(gap: String?)
    /// Continues with the packet identifiers of this session; `nil` begins a new one. ``MQTTSourceStateMachine/packetsBegan(_:)`` follows.
    case beginPackets(MQTTDuplicateDetector.Session?)
    /// Stores that these filters are being requested, that some of them are granted, and that the broker may still have
    /// the others.
    case rememberRequests([MQTTSubscriptionPlan.Entry], granted: Set<ExactText>, besides: [String])
    /// Stores that the broker has these subscriptions, except the refused filters.
    case rememberGranted([MQTTSubscriptionPlan.Entry], refused: Set<ExactText>)
    /// Waits until the stored state is on disk: after a kill, messages of a new session must not be compared with those
    /// of an old one.
    case waitUntilKept
    /// Queues a SUBSCRIBE with these options. ``MQTTSourceStateMachine/requested(_:as:now:)`` follows.
    case subscribe(MQTTSubscriptionPlan.Entry, options: Int32)
    /// Queues an UNSUBSCRIBE. ``MQTTSourceStateMachine/ending(as:)`` follows.
    case unsubscribe(String)
    /// Forwards held messages.
    ///
    /// ``MQTTSourceStateMachine/forwarded(at:)`` follows.
    case forward([ReceivedMessage])
    /// Reports the source as connected, with ``MQTTSourceStateMachine/warning``.
    case ready
    case log(Notice)
    /// Ends the connection: the broker refuses every filter, the last one for this reason.
    case refusedAll(filter: String, reason: String)

    /// An event for the log of the program.
    enum Notice: Equatable {
        /// The broker has a session, and nothing is stored about it.
        case unknownSession
        /// The broker grants a lower QoS than requested.
        case grantedLess(filter: String, qos: Int32)
        /// A filter is granted that was refused before.
        case grantedAfterRefusal(filter: String)
        /// A filter is refused with a reason that was not logged before: a reason code, 0x80 to 0xff.
        case refused(filter: String, code: Int32)
        /// A topic is in a feedback loop and is slowed.
        case feedback(topic: String)
    }
}
