/// A version of the protocol; the raw value is its name in a file.
package enum MQTTVersion: String, CaseIterable, Sendable {
    /// MQTT 3.1.1, without properties.
    case three = "3.1.1"
    /// MQTT 5.
    case five = "5"
}
