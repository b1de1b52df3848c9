import CMosquitto
import Glibc
import NIOCore

/// One libmosquitto client, for one connection.
///
/// Confined to the thread that created it: nothing is locked, and callbacks come from inside ``read()`` and
/// ``write()``. Only ``write()`` writes: after `mosquitto_threaded_set` the library only queues packets. It keeps no
/// time either: its loop for pings is never called, because ``MQTTKeepAlive`` replaces it.
final class MosquittoHandle {
    private let callbacks: MosquittoCallbacks
    private let client: OpaquePointer

    /// - Throws: ``MosquittoFailure``, like every method.
    init(clientID: String, cleanStart: Bool, version: MQTTVersion, callbacks: MosquittoCallbacks) throws {
        _ = Self.library
        self.callbacks = callbacks
        // Unretained: this object owns both and destroys the client first.
        guard let client = mosquitto_new(clientID, cleanStart, Unmanaged.passUnretained(callbacks).toOpaque()) else {
            throw MosquittoFailure("mosquitto_new", MOSQ_ERR_ERRNO, system: errno)
        }
        self.client = client
        mosquitto_threaded_set(client, true)
        mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, version == .five ? 5 : 4)
        mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1)
        // The peer's Receive Maximum is the only bound on what is in flight; the owner keeps to its own window.
        mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 65_535)
        mosquitto_connect_v5_callback_set(client) { _, context, reason, flags, properties in
            MosquittoCallbacks.of(context).connected(reason: reason, flags: flags, properties)
        }
        mosquitto_disconnect_v5_callback_set(client) { _, context, reason, _ in
            MosquittoCallbacks.of(context).disconnected(reason: reason)
        }
        mosquitto_message_v5_callback_set(client) { _, context, message, properties in
            MosquittoCallbacks.of(context).received(message!.pointee, properties)
        }
        mosquitto_publish_v5_callback_set(client) { _, context, identifier, reason, _ in
            MosquittoCallbacks.of(context).published(identifier, reason: reason)
        }
        mosquitto_subscribe_v5_callback_set(client) { _, context, identifier, count, codes, _ in
            MosquittoCallbacks.of(context).subscribed(identifier, codes: UnsafeBufferPointer(start: codes, count: Int(count)))
        }
        mosquitto_unsubscribe_v5_callback_set(client) { _, context, identifier, _ in
            MosquittoCallbacks.of(context).unsubscribed(identifier)
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

    func setWill(_ will: MosquittoOptions.Will) throws {
        let failure = will.payload.withUnsafeReadableBytes {
            mosquitto_will_set(self.client, will.topic, Int32($0.count), $0.baseAddress, Int32(will.qos), will.isRetained)
        }
        try self.check("will", failure)
    }

    /// Begins to connect; nothing waits but the resolution of a name.
    ///
    /// The CONNECT packet is queued.
    func connect(host: String, port: Int, keepAlive: Int, properties: borrowing MosquittoProperties) throws {
        if !properties.isEmpty {
            // The library accepts properties of CONNECT only in the call that blocks while it connects, and keeps them
            // for the next call. A socket file that cannot exist ends that first call at once.
            mosquitto_connect_bind_v5(self.client, "/dev/null/none", 0, Int32(keepAlive), nil, properties.list)
            self.callbacks.forgetDisconnect()
        }
        errno = 0
        try self.check("connecting", mosquitto_connect_async(self.client, host, Int32(port), Int32(keepAlive)))
    }

    /// Reads about one packet.
    ///
    /// - Returns: false when the descriptor has no more data for now.
    func read() throws -> Bool {
        let before = self.callbacks.count
        errno = 0
        let failure = mosquitto_loop_read(self.client, 1)
        let system = errno
        try self.check("reading", failure, system: system)
        // The library's internal signals can leave EAGAIN behind, but then a packet has been reported.
        return system != EAGAIN || self.callbacks.count != before
    }

    /// Writes queued data, as far as the descriptor takes it.
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
        if let subscription { properties.append(.subscriptionIdentifier, variable: subscription) }
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
        throw MosquittoFailure(action, mosq_err_t(failure), system: system)
    }

    /// `mosquitto_lib_init` is the one call that is not thread-safe: a global of Swift is made once.
    private static let library: Void = {
        mosquitto_lib_init()
    }()
}
