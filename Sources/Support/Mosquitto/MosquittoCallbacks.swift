import CMosquitto

/// Receives the callbacks of libmosquitto.
///
/// The context of a client's callbacks, on the thread that makes the calls. It keeps what belongs to the connection and passes on the rest.
final class MosquittoCallbacks {
    /// Every callback but the log's.
    private(set) var count = 0
    /// `nil` before the broker has answered CONNECT.
    private(set) var connack: MQTTConnack?
    /// Why the connection has ended: a reason code of MQTT 5 when the broker sent one, else a code of the library.
    private(set) var ending: Int32?
    /// Bytes of the packets of messages since ``takeSize()``.
    private var size = 0
    /// Facts about reported messages that the library does not know.
    let deliveries = MQTTDeliveries()
    private let receive: (MosquittoEvent) -> Void

    init(_ receive: @escaping (MosquittoEvent) -> Void) {
        self.receive = receive
    }

    /// The object of a callback's context.
    static func of(_ context: UnsafeMutableRawPointer?) -> MosquittoCallbacks {
        Unmanaged<MosquittoCallbacks>.fromOpaque(context!).takeUnretainedValue()
    }

    /// The reason code of the broker's DISCONNECT; `nil` when there was none.
    var disconnectReason: Int32? { self.ending.flatMap { (0x80...0xff).contains($0) ? $0 : nil } }

    /// How many bytes of messages have arrived since the last call.
    func takeSize() -> Int {
        defer { self.size = 0 }
        return self.size
    }

    /// Forgets an ending that belongs to no connection.
    func forgetDisconnect() {
        self.ending = nil
    }

    func connected(reason: Int32, flags: Int32, _ properties: OpaquePointer?) {
        self.count += 1
        var receiveMaximum: UInt16 = 65_535
        mosquitto_property_read_int16(properties, Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue), &receiveMaximum, false)
        var keepAlive: UInt16 = 0
        let found = mosquitto_property_read_int16(properties, Int32(MQTT_PROP_SERVER_KEEP_ALIVE.rawValue), &keepAlive, false)
        var identifiers: UInt8 = 1
        mosquitto_property_read_byte(properties, Int32(MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE.rawValue), &identifiers, false)
        self.connack = MQTTConnack(
            reason: reason, isSessionPresent: flags & 1 == 1, receiveMaximum: Int(receiveMaximum),
            serverKeepAlive: found == nil ? nil : Int(keepAlive), takesSubscriptionIdentifiers: identifiers == 1
        )
    }

    func disconnected(reason: Int32) {
        self.count += 1
        self.ending = reason
    }

    func subscribed(_ packet: Int32, codes: UnsafeBufferPointer<Int32>) {
        self.count += 1
        // Each of our SUBSCRIBEs requests one filter; a broker may answer unrequested ones.
        guard let code = codes.first else { return }
        self.receive(.subscribed(packet: packet, code: code))
    }

    func unsubscribed(_ packet: Int32) {
        self.count += 1
        self.receive(.unsubscribed(packet: packet))
    }

    func published(_ packet: Int32, reason: Int32) {
        self.count += 1
        self.receive(.published(packet: packet, reason: reason))
    }

    func received(_ message: mosquitto_message, _ properties: OpaquePointer?) {
        self.count += 1
        let message = MosquittoMessage(message, properties, delivery: self.deliveries.take())
        self.size += message.size
        self.receive(.message(message))
    }

    /// Records a message that was skipped before the library saw it.
    func left(out omission: MQTTOmission) {
        self.receive(.omission(omission))
    }
}
