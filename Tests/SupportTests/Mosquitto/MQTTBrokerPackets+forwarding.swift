import BridgeTesting

extension MQTTBrokerPackets {
    /// A packet as libmosquitto gets it: a message of QoS 1 as one of QoS 0.
    static func forwarded(_ packet: [UInt8]) -> [UInt8] {
        guard packet[0] >> 4 == 3, packet[0] & 6 != 0, let end = packet.dropFirst().firstIndex(where: { $0 < 128 }) else {
            return packet
        }
        let topicEnd = end + 3 + (Int(packet[end + 1]) << 8 | Int(packet[end + 2]))
        return self.packet(packet[0] & 0xf1, Array(packet[(end + 1)..<topicEnd] + packet[(topicEnd + 2)...]))
    }
}
