/// Why bytes of a broker are not MQTT: what the packet is and what is wrong with it.
///
/// The text repeats nothing that the broker sent but numbers, so it may be logged.
struct MQTTViolation: Error, Equatable, CustomStringConvertible {
    let description: String
    /// The remedy for the user; `nil` where nothing in the file helps.
    let remedy: String?

    init(_ description: String, remedy: String? = nil) {
        self.description = description
        self.remedy = remedy
    }
}
