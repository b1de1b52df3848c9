import BridgeCore

/// Decides which retained messages are accepted, by the configured filters that match; the most permissive one counts.
///
/// MQTT 5 brokers omit most of the others (§3.8.3.1); MQTT 3.1.1 brokers send everything.
struct MQTTRetainedPolicy {
    private let ignoring: [MQTTTopicFilter]
    private let firstTime: [MQTTTopicFilter]
    private let accepting: [MQTTTopicFilter]
    private let memory: MQTTRetainedMemory
    private let ignored: Counter

    /// - Parameters:
    ///   - memory: what `first_time` has seen, also on earlier connections.
    ///   - ignored: counts messages that are not accepted.
    init(_ subscriptions: [MQTTSubscription], memory: MQTTRetainedMemory, ignored: Counter) {
        // With retain: as_published the flag does not show that, and MQTT 5 brokers filter retained messages
        // themselves.
        func filters(_ retained: MQTTSubscription.Retained) -> [MQTTTopicFilter] {
            subscriptions.filter { $0.retained == retained && ($0.retainFlag == .stored || retained != .ignore) }.map(\.filter)
        }
        self.ignoring = filters(.ignore)
        self.firstTime = filters(.firstTime)
        self.accepting = filters(.accept)
        self.memory = memory
        self.ignored = ignored
    }

    /// - Parameter isRetained: whether the broker had stored it; false for a live message.
    func wants(topic: String, body: UnsafeRawBufferPointer, isRetained: Bool) -> Bool {
        if self.firstTime.isEmpty, !isRetained || self.ignoring.isEmpty { return true }
        if self.accepting.contains(where: { $0.matches(topic) }) { return true }
        let isWanted: Bool
        if self.firstTime.contains(where: { $0.matches(topic) }) {
            guard isRetained else {
                self.memory.note(topic: topic, body: body)
                return true
            }
            isWanted = self.memory.isNews(topic: topic, body: body)
        } else {
            // A message that matches no current filter has waited in the session since an earlier configuration.
            isWanted = !isRetained || !self.ignoring.contains { $0.matches(topic) }
        }
        if !isWanted { self.ignored.increment() }
        return isWanted
    }
}
