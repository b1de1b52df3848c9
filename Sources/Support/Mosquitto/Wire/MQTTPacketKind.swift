/// The control packets that a broker may send to a client that uses quality of service 0 and 1 (MQTT 5 §2.1.2).
enum MQTTPacketKind: UInt8 {
    case connack = 2
    case publish = 3
    case puback = 4
    case suback = 9
    case unsuback = 11
    case pingresp = 13
    case disconnect = 14

    /// The standard's spelling.
    var name: String {
        switch self {
        case .connack: "CONNACK"
        case .publish: "PUBLISH"
        case .puback: "PUBACK"
        case .suback: "SUBACK"
        case .unsuback: "UNSUBACK"
        case .pingresp: "PINGRESP"
        case .disconnect: "DISCONNECT"
        }
    }

    /// The name of every packet type, the ones that no broker may send included.
    static func name(of type: UInt8) -> String {
        let names = [
            "a packet of type 0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
            "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
        ]
        return names[Int(type & 0x0f)]
    }
}
