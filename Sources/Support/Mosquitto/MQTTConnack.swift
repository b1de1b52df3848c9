/// A broker's answer to CONNECT (MQTT 5 §3.2).
package struct MQTTConnack: Sendable {
    /// The code of the version in use: MQTT 5 §3.2.2.2 or MQTT 3.1.1 §3.2.2.3; 0 for an acceptance.
    package let reason: Int32
    /// Whether the broker has kept a session of this client.
    package let isSessionPresent: Bool
    /// MQTT 5 §3.2.2.3.3; 65535 when the broker names none.
    package let receiveMaximum: Int
    /// MQTT 5 §3.2.2.3.14, in seconds; `nil` when the broker accepts ours.
    package let serverKeepAlive: Int?
    /// MQTT 5 §3.2.2.3.12.
    package let takesSubscriptionIdentifiers: Bool

    /// Makes an answer; by default an acceptance without limits.
    package init(
        reason: Int32 = 0, isSessionPresent: Bool = false, receiveMaximum: Int = 65_535, serverKeepAlive: Int? = nil,
        takesSubscriptionIdentifiers: Bool = true
    ) {
        self.reason = reason
        self.isSessionPresent = isSessionPresent
        self.receiveMaximum = receiveMaximum
        self.serverKeepAlive = serverKeepAlive
        self.takesSubscriptionIdentifiers = takesSubscriptionIdentifiers
    }
}
