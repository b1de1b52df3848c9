/// An event of a connection; events are in order.
package enum MosquittoEvent {
    /// A message has arrived.
    case message(MosquittoMessage)
    /// A message has arrived that libmosquitto cannot take.
    case omission(MQTTOmission)
    /// SUBACK for this packet: the granted QoS, or a reason code from 0x80.
    case subscribed(packet: Int32, code: Int32)
    /// UNSUBACK for this packet.
    case unsubscribed(packet: Int32)
    /// PUBACK for this packet, with a reason code from 0x80 when it is refused; of QoS 0 when the library has written the packet, which the
    /// network may not have taken yet.
    case published(packet: Int32, reason: Int32)
}
