/// Packets as a broker sends them.
package enum MQTTBrokerPackets {
    /// A text with its length (MQTT 5 §1.5.4).
    package static func text(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 0xff)] + Array(text.utf8)
    }

    /// A variable byte integer (MQTT 5 §1.5.5).
    package static func variable(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + self.variable(value >> 7)
    }

    /// A packet of a first byte and a body.
    package static func packet(_ first: UInt8, _ body: [UInt8]) -> [UInt8] { [first] + self.variable(body.count) + body }

    /// The list of properties with its length.
    package static func list(_ properties: [UInt8]) -> [UInt8] { self.variable(properties.count) + properties }

    /// A PUBLISH (MQTT 5 §3.3); without properties for MQTT 3.1.1.
    package static func publish(
        _ topic: String = "home/door", qos: UInt8 = 1, identifier: Int = 7, properties: [UInt8]? = [],
        payload: [UInt8] = Array("open".utf8)
    ) -> [UInt8] {
        let id = qos > 0 ? [UInt8(identifier >> 8), UInt8(identifier & 0xff)] : []
        return self.packet(0x30 | qos << 1, self.text(topic) + id + (properties.map(self.list) ?? []) + payload)
    }

    /// Every property that a broker may add to a message.
    package static let publishProperties: [UInt8] =
        [1, 1, 2, 0, 0, 0, 60] + [3] + text("text/plain") + [8] + text("answers/é") + [9, 0, 2, 0xff, 0] + [11, 0xff, 0x01]
        + [38] + text("name") + text("value") + [38] + text("name") + text("")

    /// Everything that a broker may put into a CONNACK but an assigned client id.
    package static let connackProperties: [UInt8] =
        [0x11, 0, 0, 0, 60] + [0x13, 0, 30] + [0x15] + text("m") + [0x16, 0, 1, 0] + [0x1a] + text("r")
        + [0x1c] + text("other:1883") + [0x1f] + text("fine") + [0x21, 0, 20, 0x22, 0, 10, 0x24, 1, 0x25, 1]
        + [0x26] + text("a") + text("b") + [0x27, 0, 0, 0x10, 0, 0x28, 1, 0x29, 1, 0x2a, 1]

    private static let reason: [UInt8] = [0x1f] + text("because") + [0x26] + text("a") + text("b")

    /// One packet of each kind and shape of MQTT 5; CONNACK first, as it must be.
    package static let five: [[UInt8]] = [
        packet(0x20, [0, 0] + list(connackProperties)),
        publish(qos: 0, properties: publishProperties), publish(qos: 1, properties: []),
        publish("a", qos: 1, properties: publishProperties, payload: [UInt8](repeating: 0xff, count: 300)),
        publish("leer", qos: 0, payload: []),
        packet(0x40, [0, 1]), packet(0x40, [0, 1, 0x10]), packet(0x40, [0, 1, 0x97] + list(reason)),
        packet(0x90, [0, 2] + list([]) + [1]), packet(0x90, [0, 2] + list(reason) + [0x87, 0]),
        packet(0xb0, [0, 3] + list([]) + [0]), packet(0xb0, [0, 3] + list(reason) + [0x11, 0x80]),
        packet(0xd0, []), packet(0xe0, []), packet(0xe0, [0x8e]), packet(0xe0, [0x9c] + list([0x1c] + text("other") + reason)),
    ]

    /// The same for MQTT 3.1.1.
    package static let three: [[UInt8]] = [
        packet(0x20, [1, 0]), publish(qos: 0, properties: nil), publish(qos: 1, properties: nil),
        publish("é/b", qos: 1, properties: nil, payload: [UInt8](repeating: 0, count: 200)), packet(0x40, [0, 1]),
        packet(0x90, [0, 2, 1]), packet(0x90, [0, 2, 0x80, 0]), packet(0xb0, [0, 3]), packet(0xd0, []),
    ]
}
