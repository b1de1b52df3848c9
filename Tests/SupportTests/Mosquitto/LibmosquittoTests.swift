import BridgeTesting
import CMosquitto
import Glibc
import NIOCore
import Testing

@testable import Mosquitto

/// What libmosquitto 2.0.11 does, each in the order of the module's page.
///
/// A test that fails with another version of the library says that a workaround must change or can go.
struct LibmosquittoTests {
    private typealias Packets = MQTTBrokerPackets

    // MARK: Acknowledging

    @Test func `it acknowledges a message of QoS 1 by itself, before the message is safe`() throws {
        let client = try BareClient.connected()
        try client.receive(Packets.publish("a", identifier: 9))
        client.write()
        #expect(client.sent() == [0x40, 2, 0, 9])
    }

    @Test func `it acknowledges nothing when it gets the message as one of QoS 0`() throws {
        let client = try BareClient.connected()
        try client.receive(Packets.publish("a", qos: 0))
        #expect(!client.handle.wantsWrite)
    }

    @Test func `its message has no field for the DUP flag, which is kept for it`() throws {
        let fields = Mirror(reflecting: mosquitto_message()).children.map { $0.label ?? "" }
        #expect(fields == ["mid", "topic", "payload", "payloadlen", "qos", "retain"])
        let client = try BareClient.connected()
        client.callbacks.deliveries.append(MQTTDeliveries.Delivery(identifier: 9, isDuplicate: true))
        try client.receive(Packets.publish("a", qos: 0))
        #expect(client.takeEvents() == ["message a identifier 9 duplicate true"])
    }

    @Test func `it publishes again by itself when a client connects again`() throws {
        let client = try BareClient.connected()
        _ = try client.handle.publish(
            ByteBuffer(string: "x"), topic: "a", qos: 1, retain: false, properties: MosquittoProperties())
        client.write()
        #expect(client.sent() == [0x32, 7, 0, 1, 0x61, 0, 1, 0, 0x78])
        try client.reconnect()
        #expect(client.sent() == [0x3a, 7, 0, 1, 0x61, 0, 1, 0, 0x78])
    }

    // MARK: Connecting

    @Test func `it keeps the properties of a CONNECT that fails for the next one`() throws {
        var properties = MosquittoProperties()
        properties.append(.sessionExpiry, number: 60)
        let client = try BareClient(properties: properties)
        client.write()
        // After the header, the name of the protocol, its version, the flags and the keep-alive: the list of
        // properties.
        #expect(client.sent().dropFirst(12).prefix(6) == [8, 0x11, 0, 0, 0, 60])
        #expect(client.callbacks.ending == nil)
    }

    @Test func `it refuses a CONNACK that assigns another client id`() throws {
        let client = try BareClient()
        client.write()
        #expect(throws: MosquittoFailure.self) {
            try client.receive(Packets.packet(0x20, [0, 0] + Packets.list([0x12] + Packets.text("z"))))
        }
        #expect(client.callbacks.connack == nil)
    }

    @Test func `it reports a refusal in CONNACK as an error too`() throws {
        let client = try BareClient()
        client.write()
        #expect(throws: MosquittoFailure.self) { try client.receive([0x20, 3, 0, 0x87, 0]) }
        #expect(client.callbacks.connack?.reason == 0x87)
    }

    // MARK: Reading

    @Test func `it ends the process on a property that it does not know`() async {
        await #expect(processExitsWith: .signal(SIGABRT)) {
            let client = try BareClient()
            client.write()
            try client.receive([0x20, 5, 0, 0, 2, 0x7f, 0])
        }
    }

    @Test func `it ends the connection on a second subscription identifier`() throws {
        let client = try BareClient.connected()
        let error = #expect(throws: MosquittoFailure.self) {
            try client.receive(Packets.publish("a", qos: 0, properties: [0x0b, 1, 0x0b, 2]))
        }
        #expect(error?.code == MOSQ_ERR_DUPLICATE_PROPERTY)
    }

    @Test func `it ends the connection on a control character in a topic`() throws {
        let client = try BareClient.connected()
        let error = #expect(throws: MosquittoFailure.self) { try client.receive(Packets.publish("a\u{1}", qos: 0)) }
        #expect(error?.code == MOSQ_ERR_MALFORMED_UTF8)
    }

    @Test func `a read that finds nothing is known by errno`() throws {
        let client = try BareClient.connected()
        #expect(try client.handle.read() == false)
    }

    // MARK: Writing

    @Test func `it writes nothing before a call`() throws {
        let client = try BareClient.connected()
        _ = try client.handle.publish(
            ByteBuffer(string: "x"), topic: "a", qos: 0, retain: false, properties: MosquittoProperties())
        #expect(client.handle.wantsWrite)
        #expect(client.sent() == [])
        client.write()
        #expect(client.sent() == [0x30, 5, 0, 1, 0x61, 0, 0x78])
    }

    @Test func `it reports a message of QoS 0 as published when it has written it, whatever the broker has read`() throws {
        let client = try BareClient.connected()
        let packet = try client.handle.publish(
            ByteBuffer(string: "x"), topic: "a", qos: 0, retain: false, properties: MosquittoProperties())
        #expect(client.takeEvents() == [])
        client.write()
        #expect(client.takeEvents() == ["published \(packet) 0"])
    }

    @Test func `it sends more than twenty messages without an answer, because an option allows it`() throws {
        let client = try BareClient.connected()
        for _ in 0..<100 {
            _ = try client.handle.publish(
                ByteBuffer(string: "x"), topic: "a", qos: 1, retain: false, properties: MosquittoProperties())
        }
        client.write()
        #expect(client.sent().count == 100 * 9)
    }

    // MARK: Properties

    @Test func `it crashes on the copy of an empty text, which is never given to it`() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            var list: OpaquePointer?
            mosquitto_property_add_string(&list, MosquittoProperties.Identifier.contentType.rawValue, "")
            var copy: OpaquePointer?
            mosquitto_property_copy_all(&copy, list)
        }
        var properties = MosquittoProperties()
        let isTaken = properties.append(.contentType, text: "")
        let isEmpty = properties.isEmpty
        #expect(isTaken && isEmpty)
    }

    @Test func `it cuts a user property of more than 65535 bytes, which is refused before`() throws {
        let long = String(repeating: "x", count: 70_000)
        var list: OpaquePointer?
        defer { mosquitto_property_free_all(&list) }
        let identifier = Int32(MQTT_PROP_USER_PROPERTY.rawValue)
        #expect(mosquitto_property_add_string_pair(&list, identifier, "n", long) == MOSQ_ERR_SUCCESS.rawValue)
        var (name, value): (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
        mosquitto_property_read_string_pair(list, identifier, &name, &value, false)
        defer {
            free(name)
            free(value)
        }
        #expect(strlen(try #require(value)) == 70_000 - 65_536)
        var properties = MosquittoProperties()
        let isTaken = properties.append(user: "n", long)
        let isEmpty = properties.isEmpty
        #expect(!isTaken && isEmpty)
    }
}
