/// A message that a broker sent and that is skipped, because libmosquitto cannot take it.
package struct MQTTOmission: Equatable, CustomStringConvertible {
    /// The obstacle for the library.
    package enum Reason: Equatable {
        /// It exceeds this many bytes.
        case size(Int)
        /// Its properties are larger than ``MQTTPacketValidator/largestControl``.
        case properties
        /// Its topic or a property contains control characters or non-characters (MQTT 5 §1.5.4).
        case text
    }

    /// Why it is skipped.
    package let reason: Reason
    /// The unchanged topic; it may contain control characters.
    package let topic: String
    /// The packet identifier; `nil` at quality of service 0.
    package let identifier: Int?
    /// Bytes of the whole packet.
    package let size: Int

    /// The reason, as the end of a sentence about the message.
    package var description: String {
        switch self.reason {
        case .size(let limit): "it has \(self.size) bytes; \(limit) are allowed"
        case .properties: "its properties have more than \(MQTTPacketValidator.largestControl) bytes"
        case .text: "its topic or a property holds control characters or non-characters"
        }
    }
}
