import Glibc
package import NIOCore
import Synchronization
import Testing

/// A minimal MQTT client, 3.1.1 or 5, independent of the library that the adapters use.
///
/// Thread-safe. Records the messages it receives. Acknowledges QoS 1 at once; does not support QoS 2. Disconnects with
/// its last reference, without DISCONNECT.
package final class MQTTPeer: Sendable {
    /// One received message (MQTT 5 §3.3).
    package struct Message: Sendable {
        /// The topic name.
        package let topic: String
        /// The payload, byte for byte.
        package let payload: ByteBuffer
        /// The QoS of this delivery, 0 or 1.
        package let qos: UInt8
        /// The RETAIN flag: the broker stored the message before the subscription.
        package let retain: Bool
        /// The DUP flag: the broker may have sent the message before.
        package let duplicate: Bool
        /// The user properties in order; empty with MQTT 3.1.1.
        package let userProperties: [(name: String, value: String)]
        /// The other properties (MQTT 5 §2.2.2.2) by identifier: the bytes of the value, without the length of strings.
        package let properties: [UInt8: [UInt8]]

        /// The payload decoded as UTF-8.
        package var text: String { String(buffer: self.payload) }
    }

    /// The options of a connection.
    package struct Options: Sendable {
        /// The protocol version: 4 for MQTT 3.1.1, 5 for MQTT 5.
        package var version: UInt8 = 4
        /// The client identifier; empty lets the broker assign one.
        package var clientID = ""
        /// Whether the broker discards an earlier session and keeps none; `false` keeps the session without expiry.
        package var cleanSession = true
        /// The user name; `nil` sends none.
        package var username: String?
        /// The password; `nil` sends none.
        package var password: String?

        /// Makes the options of an anonymous MQTT 3.1.1 client with a clean session.
        package init() {}
    }

    private struct State {
        var messages: [Message] = []
        var acknowledged = 0
        var subscribed: [UInt16: [UInt8]] = [:]
        var nextPacket: UInt16 = 1
        var ending: String?

        /// The next packet identifier, never 0 (MQTT 3.1.1 §2.3.1).
        mutating func takePacket() -> UInt16 {
            defer { self.nextPacket = self.nextPacket == .max ? 1 : self.nextPacket + 1 }
            return self.nextPacket
        }
    }

    private let socket: BlockingSocket
    private let version: UInt8
    private let state = Mutex(State())
    /// Serialises publishers, so that ``State/acknowledged`` counts the messages of one.
    private let writing = Mutex(())

    /// Connects to a broker on loopback and waits for its CONNACK.
    ///
    /// - Throws: ``PeerError`` with the CONNACK when the broker refuses, and when it does not answer within 10 s.
    package static func connect(port: Int, _ options: Options = Options()) async throws -> MQTTPeer {
        try await OwnThread.run {
            let socket = try BlockingSocket(port: port)
            try socket.write(MQTTPacket.connect(options))
            var received: [UInt8] = []
            var packet: MQTTPacket?
            while packet == nil {
                guard try socket.read(into: &received, timeout: .seconds(10)) > 0 else {
                    throw PeerError("the broker closed before CONNACK")
                }
                packet = MQTTPacket.next(of: &received)
            }
            guard packet!.type == 2, packet!.body.count >= 2, packet!.body[1] == 0 else {
                throw PeerError("the broker refused the connection with \(packet!.body)")
            }
            let peer = MQTTPeer(socket: socket, version: options.version)
            let rest = received
            OwnThread.start { [weak peer, version = options.version] in
                Self.read(socket, version: version, rest: rest) {
                    peer?.received($0)
                } ended: {
                    peer?.ended($0)
                }
            }
            return peer
        }
    }

    private init(socket: BlockingSocket, version: UInt8) {
        self.socket = socket
        self.version = version
    }

    deinit {
        self.socket.shutDown()
    }

    /// All messages so far, in order.
    package var messages: [Message] { self.state.withLock { $0.messages } }
    /// The number of messages so far.
    package var count: Int { self.state.withLock { $0.messages.count } }
    /// Why the connection ended; `nil` while it is open.
    package var ending: String? { self.state.withLock { $0.ending } }

    /// Subscribes and waits for the SUBACK.
    ///
    /// - Throws: ``PeerError`` when the broker refuses a filter or closes the connection.
    package func subscribe(_ filters: String..., qos: UInt8 = 1) async throws {
        let packet = self.state.withLock { $0.takePacket() }
        try await OwnThread.run {
            try self.socket.write(MQTTPacket.subscribe(filters, qos: qos, packet: packet, version: self.version))
        }
        try await eventually("SUBACK for \(filters)") {
            if let ending = self.ending { throw PeerError("the broker is gone: \(ending)") }
            return self.state.withLock { $0.subscribed[packet] != nil }
        }
        let codes = self.state.withLock { $0.subscribed[packet]! }
        guard codes.allSatisfy({ $0 < 0x80 }) else { throw PeerError("the broker refused \(filters) with \(codes)") }
    }

    /// Publishes in order; with QoS 1, returns once the broker has acknowledged all messages.
    ///
    /// - Parameter properties: more MQTT 5 properties in wire format.
    /// - Throws: ``PeerError`` when the connection ends, and when acknowledgements are missing after 30 s.
    package func publish(
        _ payloads: [ByteBuffer], on topic: String, qos: UInt8 = 1, retain: Bool = false,
        userProperties: [(name: String, value: String)] = [], properties: [UInt8] = []
    ) async throws {
        // MQTT 5 brokers accept twenty unacknowledged messages by default (Receive Maximum, §3.2.2.3.3).
        let window = self.version == 5 ? 20 : 1000
        try await OwnThread.run {
            try self.writing.withLock { _ in
                let before = self.state.withLock { $0.acknowledged }
                var bytes: [UInt8] = []
                for (index, payload) in payloads.enumerated() {
                    let packet = self.state.withLock { $0.takePacket() }
                    MQTTPacket.appendPublish(
                        payload, topic: topic, qos: qos, retain: retain, packet: packet, version: self.version,
                        userProperties: userProperties, properties: properties, to: &bytes
                    )
                    let isFull = (index + 1) % (window / 2) == 0
                    guard isFull || bytes.count > 65_536 || index + 1 == payloads.count else { continue }
                    try self.socket.write(bytes)
                    bytes.removeAll(keepingCapacity: true)
                    guard qos > 0 else { continue }
                    try self.untilAcknowledged(before + max(0, index + 1 - (isFull ? window / 2 : window)))
                }
                if qos > 0 { try self.untilAcknowledged(before + payloads.count) }
            }
        }
    }

    /// Publishes one text; see ``publish(_:on:qos:retain:userProperties:properties:)``.
    package func publish(_ text: String, on topic: String, qos: UInt8 = 1, retain: Bool = false) async throws {
        try await self.publish([ByteBuffer(string: text)], on: topic, qos: qos, retain: retain)
    }

    /// Sends DISCONNECT and closes the connection.
    package func disconnect() async throws {
        try await OwnThread.run {
            try self.socket.write([0xe0, 0])
            self.socket.shutDown()
        }
    }

    /// Closes the connection without DISCONNECT, as a crash would: the broker publishes the will.
    package func cut() {
        self.socket.shutDown()
    }

    private func untilAcknowledged(_ count: Int) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let (acknowledged, ending) = self.state.withLock { ($0.acknowledged, $0.ending) }
            if acknowledged >= count { return }
            if let ending { throw PeerError("the broker is gone: \(ending)") }
            guard ContinuousClock.now < deadline else { throw PeerError("only \(acknowledged) of \(count) were acknowledged") }
            usleep(200)
        }
    }

    private func received(_ packets: [MQTTPacket]) {
        self.state.withLock { state in
            for packet in packets {
                switch packet.type {
                case 3: state.messages.append(packet.message(version: self.version))
                case 4: state.acknowledged += 1
                case 9: state.subscribed[packet.identifier] = packet.subscribeCodes(version: self.version)
                case 14: state.ending = "DISCONNECT \(packet.body)"
                default: break
                }
            }
        }
    }

    private func ended(_ reason: String) {
        self.state.withLock { state in
            if state.ending == nil { state.ending = reason }
        }
    }

    private static func read(
        _ socket: BlockingSocket, version: UInt8, rest: [UInt8], _ packets: ([MQTTPacket]) -> Void, ended: (String) -> Void
    ) {
        var received = rest
        do {
            repeat {
                let arrived = MQTTPacket.all(of: &received)
                packets(arrived)
                let answers = arrived.flatMap { $0.type == 3 && $0.qos == 1 ? $0.acknowledgement(version: version) : [] }
                if !answers.isEmpty { try socket.write(answers) }
            } while try socket.read(into: &received) > 0
            ended("closed")
        } catch {
            ended("\(error)")
        }
    }
}
