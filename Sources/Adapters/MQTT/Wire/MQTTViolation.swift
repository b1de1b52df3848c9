/// Why bytes of a broker are not MQTT: what the packet is and what is wrong with it.
///
/// The text repeats nothing that the broker sent but numbers, so it may be logged.
struct MQTTViolation: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
