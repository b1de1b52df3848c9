import CMosquitto
import Glibc
import NIOCore

/// One libmosquitto client, for one connection.
///
/// Confined to the thread that made it: nothing here is locked, and the callbacks come from inside ``read()`` and ``write()``.
/// Nothing is written but by ``write()``: after `mosquitto_threaded_set` the library only queues what it has to say. It keeps no
/// time either: its loop for that, which would ping, is never called, because ``MQTTWire`` does it.
final class MosquittoHandle {
    /// What has happened, for the owner to take.
    let events: MosquittoEvents
    private let client: OpaquePointer

    /// - Throws: ``MosquittoError``.
    init(clientID: String, cleanStart: Bool, version: Int32, events: MosquittoEvents) throws {
        _ = Self.library
        self.events = events
        // Unretained: this object owns both and destroys the client first.
        guard let client = mosquitto_new(clientID, cleanStart, Unmanaged.passUnretained(events).toOpaque()) else {
            throw MosquittoError("mosquitto_new", MOSQ_ERR_ERRNO, system: errno)
        }
        self.client = client
        mosquitto_threaded_set(client, true)
        mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, version)
        mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1)
        // The peer's Receive Maximum is the only bound on what is under way; the owner keeps to its own window.
        mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 65_535)
        mosquitto_connect_v5_callback_set(client) { _, context, reason, flags, properties in
            MosquittoEvents.of(context).connected(reason: reason, flags: flags, properties)
        }
        mosquitto_disconnect_v5_callback_set(client) { _, context, reason, _ in
            MosquittoEvents.of(context).disconnected(reason: reason)
        }
        mosquitto_message_v5_callback_set(client) { _, context, message, properties in
            MosquittoEvents.of(context).received(message!.pointee, properties)
        }
        mosquitto_publish_v5_callback_set(client) { _, context, identifier, reason, _ in
            MosquittoEvents.of(context).published(identifier, reason: reason)
        }
        mosquitto_subscribe_v5_callback_set(client) { _, context, identifier, count, codes, _ in
            MosquittoEvents.of(context).subscribed(identifier, codes: UnsafeBufferPointer(start: codes, count: Int(count)))
        }
        mosquitto_unsubscribe_v5_callback_set(client) { _, context, identifier, _ in
            MosquittoEvents.of(context).unsubscribed(identifier)
        }
    }

    deinit {
        mosquitto_destroy(self.client)
    }

    /// The library's descriptor, -1 when there is none.
    var socket: Int32 { mosquitto_socket(self.client) }

    /// Whether ``write()`` would have something to write.
    var wantsWrite: Bool { mosquitto_want_write(self.client) }

    func setCredentials(user: String, password: String?) throws {
        try self.check("credentials", mosquitto_username_pw_set(self.client, user, password))
    }

    func setWill(_ will: MQTTAnnouncement) throws {
        let payload = Array(will.payload.utf8)
        let failure = mosquitto_will_set(
            self.client, will.topic, Int32(payload.count), payload, Int32(will.qos), will.isRetained
        )
        try self.check("will", failure)
    }

    /// Begins to connect; nothing waits but the resolution of a name.
    ///
    /// The CONNECT packet is queued.
    func connect(host: String, port: Int, keepAlive: Int, properties: borrowing MosquittoProperties) throws {
        if !properties.isEmpty {
            // The library takes properties of CONNECT only in the call that blocks while it connects, and keeps them for the next
            // call. A socket file that cannot exist ends that first one at once.
            mosquitto_connect_bind_v5(self.client, "/dev/null/none", 0, Int32(keepAlive), nil, properties.list)
            self.events.forgetDisconnect()
        }
        errno = 0
        try self.check("connecting", mosquitto_connect_async(self.client, host, Int32(port), Int32(keepAlive)))
    }

    /// Reads about one packet.
    ///
    /// - Returns: false when the descriptor has no more for now.
    func read() throws -> Bool {
        let before = self.events.count
        errno = 0
        let failure = mosquitto_loop_read(self.client, 1)
        let system = errno
        try self.check("reading", failure, system: system)
        // The library's inner signals can leave EAGAIN behind, but then a packet has been told.
        return system != EAGAIN || self.events.count != before
    }

    /// Writes what is queued, as far as the descriptor takes it.
    func write() throws {
        errno = 0
        try self.check("writing", mosquitto_loop_write(self.client, 1))
    }

    /// Queues a SUBSCRIBE and returns its packet identifier.
    ///
    /// - Parameter subscription: the subscription identifier (MQTT 5 §3.8.2.1.2).
    func subscribe(_ filter: String, qos: Int, options: Int32, subscription: UInt32?) throws -> Int32 {
        var identifier: Int32 = 0
        var properties = MosquittoProperties()
        if let subscription { properties.append(MQTT_PROP_SUBSCRIPTION_IDENTIFIER, variable: subscription) }
        try self.check(
            "subscribing", mosquitto_subscribe_v5(self.client, &identifier, filter, Int32(qos), options, properties.list)
        )
        return identifier
    }

    /// Queues an UNSUBSCRIBE and returns its packet identifier.
    func unsubscribe(_ filter: String) throws -> Int32 {
        var identifier: Int32 = 0
        try self.check("unsubscribing", mosquitto_unsubscribe(self.client, &identifier, filter))
        return identifier
    }

    /// Queues a PUBLISH and returns its packet identifier.
    func publish(
        _ payload: ByteBuffer, topic: String, qos: Int, retain: Bool, properties: borrowing MosquittoProperties
    ) throws -> Int32 {
        var identifier: Int32 = 0
        let failure = payload.withUnsafeReadableBytes {
            mosquitto_publish_v5(
                self.client, &identifier, topic, Int32($0.count), $0.baseAddress, Int32(qos), retain, properties.list
            )
        }
        try self.check("publishing", failure)
        return identifier
    }

    /// Queues a DISCONNECT.
    func disconnect() throws {
        try self.check("disconnecting", mosquitto_disconnect(self.client))
    }

    private func check(_ action: String, _ failure: Int32, system: Int32 = errno) throws {
        guard failure != MOSQ_ERR_SUCCESS.rawValue else { return }
        throw MosquittoError(action, mosq_err_t(failure), system: system)
    }

    /// `mosquitto_lib_init` is the one call that is not thread-safe: a global of Swift is made once.
    private static let library: Void = {
        mosquitto_lib_init()
    }()
}

/// What a call of libmosquitto returned.
struct MosquittoError: Error, CustomStringConvertible {
    /// What was being done, as a noun or gerund.
    let action: String
    let code: mosq_err_t
    /// `errno` at the time.
    let system: Int32

    init(_ action: String, _ code: mosq_err_t, system: Int32) {
        self.action = action
        self.code = code
        self.system = system
    }

    var description: String {
        switch self.code {
        case MOSQ_ERR_ERRNO: "\(self.action): \(String(cString: strerror(self.system)))"
        case MOSQ_ERR_EAI: "\(self.action): \(String(cString: gai_strerror(self.system)))"
        default: "\(self.action): \(Self.text(self.code))"
        }
    }

    /// The library's own sentence without its final stop.
    private static func text(_ code: mosq_err_t) -> String {
        let text = String(cString: mosquitto_strerror(code.rawValue))
        return text.last == "." ? String(text.dropLast()) : text
    }
}
