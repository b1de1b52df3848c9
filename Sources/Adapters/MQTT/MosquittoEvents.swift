import BridgeCore
import CMosquitto
import Glibc
import NIOCore

/// What libmosquitto has told since the owner last looked.
///
/// On the thread that turns the client's loop, like the client; the callbacks write here and nowhere else.
final class MosquittoEvents {
    /// What the broker answered to CONNECT.
    struct Connack {
        /// As the version in use counts them: MQTT 5 §3.2.2.2 or MQTT 3.1.1 §3.2.2.3.
        let reason: Int32
        let isSessionPresent: Bool
        /// MQTT 5 §3.2.2.3.3; 65535 when the broker names none.
        let receiveMaximum: Int
        /// MQTT 5 §3.2.2.3.14, in seconds.
        let serverKeepAlive: Int?
    }

    /// Every callback but the log's.
    private(set) var count = 0
    private(set) var connack: Connack?
    /// Why the connection has ended: a reason code of MQTT 5 when the broker said one, else a code of the library.
    private(set) var ending: Int32?
    /// The library's last line about an error.
    var complaint: String?
    /// Answers to SUBSCRIBE: packet identifier and granted QoS or reason code.
    private var subscribeAnswers: [(identifier: Int32, code: Int32)] = []
    /// Answers to PUBLISH: packet identifier and reason code; of QoS 0 when it has been written.
    private var publishAnswers: [(identifier: Int32, reason: Int32)] = []
    /// Messages as they are handed on.
    private(set) var messages: [ReceivedMessage] = []
    /// How many of those that were received must be acknowledged, the ignored ones included.
    private(set) var acknowledgements = 0
    private var reader: MQTTMessageReader?

    /// - Parameter reader: makes messages; `nil` for a client that subscribes to nothing.
    init(reader: MQTTMessageReader? = nil) {
        self.reader = reader
    }

    /// The object behind a callback's context.
    static func of(_ context: UnsafeMutableRawPointer?) -> MosquittoEvents {
        Unmanaged<MosquittoEvents>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Forgets an ending that belongs to no connection.
    func forgetDisconnect() {
        self.ending = nil
        self.complaint = nil
    }

    func connected(reason: Int32, flags: Int32, _ properties: OpaquePointer?) {
        self.count += 1
        var receiveMaximum: UInt16 = 65_535
        mosquitto_property_read_int16(properties, Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue), &receiveMaximum, false)
        var keepAlive: UInt16 = 0
        let found = mosquitto_property_read_int16(properties, Int32(MQTT_PROP_SERVER_KEEP_ALIVE.rawValue), &keepAlive, false)
        self.connack = Connack(
            reason: reason, isSessionPresent: flags & 1 == 1, receiveMaximum: Int(receiveMaximum),
            serverKeepAlive: found == nil ? nil : Int(keepAlive)
        )
    }

    func disconnected(reason: Int32) {
        self.count += 1
        self.ending = reason
    }

    func subscribed(_ identifier: Int32, codes: UnsafeBufferPointer<Int32>) {
        self.count += 1
        for code in codes { self.subscribeAnswers.append((identifier, code)) }
    }

    func published(_ identifier: Int32, reason: Int32) {
        self.count += 1
        self.publishAnswers.append((identifier, reason))
    }

    func received(_ message: mosquitto_message, _ properties: OpaquePointer?) {
        self.count += 1
        if message.qos > 0 { self.acknowledgements += 1 }
        if let message = self.reader?.read(message, properties) { self.messages.append(message) }
    }

    func takeMessages() -> [ReceivedMessage] {
        let capacity = self.messages.count
        defer {
            self.messages = []
            self.messages.reserveCapacity(capacity)
        }
        return self.messages
    }

    func takeAcknowledgements() -> Int {
        defer { self.acknowledgements = 0 }
        return self.acknowledgements
    }

    func takeSubscribed() -> [(identifier: Int32, code: Int32)] {
        defer { self.subscribeAnswers.removeAll() }
        return self.subscribeAnswers
    }

    /// Calls `body` for each answer to PUBLISH since the last call.
    func drainPublished(_ body: (_ identifier: Int32, _ reason: Int32) throws -> Void) rethrows {
        defer { self.publishAnswers.removeAll(keepingCapacity: true) }
        for (identifier, reason) in self.publishAnswers { try body(identifier, reason) }
    }
}
