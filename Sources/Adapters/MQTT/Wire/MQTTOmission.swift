/// A message that a broker sent and that is left out, because libmosquitto cannot take it.
struct MQTTOmission: Equatable, CustomStringConvertible {
    enum Reason: Equatable {
        /// It is larger than so many bytes.
        case size(Int)
        /// Its properties are larger than ``MQTTPacketValidator/largestControl``.
        case properties
        /// Its topic or a property holds control characters or non-characters (MQTT 5 §1.5.4).
        case text
    }

    let reason: Reason
    /// As it came; it may hold control characters.
    let topic: String
    /// The packet identifier; `nil` at quality of service 0.
    let identifier: Int?
    /// Bytes of the whole packet.
    let size: Int

    var description: String {
        switch self.reason {
        case .size(let limit): "it has \(self.size) bytes and \(limit) are taken"
        case .properties: "its properties have more than \(MQTTPacketValidator.largestControl) bytes"
        case .text: "its topic or a property holds control characters or non-characters"
        }
    }
}
