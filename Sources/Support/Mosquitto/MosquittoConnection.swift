package import NIOCore
package import PollThread

/// One connection to a broker through libmosquitto, from CONNECT to DISCONNECT.
///
/// The only type that others call, and on one thread: everything happens inside its methods, on the ``PollThread`` on which it waits. The
/// article <doc:Documentation> lists what the library cannot do and where each of it is done instead.
package final class MosquittoConnection {
    /// The broker's answer to CONNECT.
    package let connack: MQTTConnack
    /// The broker, for messages.
    package let peer: String
    /// The client id that was sent.
    package let clientID: String
    /// When the broker accepted the connection.
    package let opened = ContinuousClock.now
    private let handle: MosquittoHandle
    private let callbacks: MosquittoCallbacks
    private let wire: MQTTWire
    private let thread: PollThread
    private let will: MosquittoOptions.Will?
    /// How many bytes of messages one read may take.
    private static let largestBatch = 4 << 20
    /// Above this number of unsent bytes, reading stops.
    private static let largestUnsent = 64 << 10
    /// Whether the library has read everything that it was given.
    private var isDrained = false

    private init(_ parts: MosquittoConnector.Parts, _ options: MosquittoOptions, _ thread: PollThread) {
        self.handle = parts.handle
        self.callbacks = parts.callbacks
        self.wire = parts.wire
        self.connack = parts.connack
        self.peer = options.peer
        self.clientID = options.clientID
        self.will = options.will
        self.thread = thread
    }

    /// Connects and waits for the broker's CONNACK, trying one address of the host after the other.
    ///
    /// - Parameters:
    ///   - thread: the one that this is called on.
    ///   - isUnwanted: checked whenever the thread is woken; true ends the attempt with a `CancellationError`.
    ///   - receive: gets what happens on the connection, from inside ``receive(atMost:)`` and ``flush()``.
    /// - Throws: ``MosquittoError``, or a `CancellationError`.
    package static func connect(
        _ options: MosquittoOptions, thread: PollThread, isUnwanted: () -> Bool,
        receive: @escaping (MosquittoEvent) -> Void
    ) throws -> MosquittoConnection {
        let connector = MosquittoConnector(options: options, thread: thread, receive: receive)
        return MosquittoConnection(try connector.connect(isUnwanted: isUnwanted), options, thread)
    }

    /// Waits until the broker sends data, the network can take pending data, a ping may be due, or the thread is woken.
    ///
    /// - Parameters:
    ///   - reads: whether to wait for data from the broker.
    ///   - end: when the owner has something else to do; `nil` for never.
    package func wait(reads: Bool, until end: ContinuousClock.Instant? = nil) -> PollThread.Readiness {
        var events: PollThread.Readiness = reads ? .readable : []
        if !self.isFlushed { events.insert(.writable) }
        let now = ContinuousClock.now
        var limit = end.map { max(.zero, $0 - now) } ?? .seconds(30)
        if let deadline = self.wire.stallDeadline { limit = min(limit, max(.zero, deadline - now)) }
        limit = min(limit, self.wire.keepAlive.wait(from: now))
        return self.thread.wait(fd: self.wire.descriptor, events: events, timeout: limit)
    }

    // MARK: Receiving

    /// Whether too many bytes are unsent: the broker sends messages but does not read their acknowledgements.
    package var isClogged: Bool { self.wire.unsentCount > Self.largestUnsent }

    /// Reads up to about `limit` packets, and fewer when they are large.
    ///
    /// - Returns: true when there may be more.
    /// - Throws: ``MosquittoError``; messages before the error were received nevertheless.
    package func receive(atMost limit: Int) throws -> Bool {
        var size = 0
        return try self.perform {
            for _ in 0..<limit where size < Self.largestBatch {
                if !self.isDrained {
                    self.isDrained = try !self.handle.read()
                    size += self.callbacks.takeSize()
                    if let ending = self.callbacks.ending { throw self.ended(ending) }
                    continue
                }
                switch try self.wire.supply() {
                case .bytes: self.isDrained = false
                case .omission(let omission): self.callbacks.left(out: omission)
                case .nothing: return false
                }
            }
            return true
        }
    }

    /// Queues the PUBACKs of the oldest unacknowledged messages of QoS 1, including skipped ones.
    ///
    /// No message is acknowledged but by this.
    package func acknowledge(oldest count: Int) { self.wire.releasePubacks(count) }

    // MARK: Sending

    /// Whether everything but PUBACKs that are held has been taken by the network.
    package var isFlushed: Bool { self.wire.isFlushed && !self.handle.wantsWrite }

    /// Writes queued packets, except held PUBACKs, as far as the network takes them.
    ///
    /// - Throws: ``MosquittoError`` when the connection is lost.
    package func flush() throws {
        try self.perform {
            while true {
                try self.wire.flush()
                guard self.wire.isFlushed, self.handle.wantsWrite else { return }
                try self.handle.write()
                self.wire.pull()
            }
        }
    }

    /// Queues a PUBLISH and returns its packet identifier; ``MosquittoEvent/published(packet:reason:)`` follows.
    ///
    /// - Parameters:
    ///   - topic: without wildcards.
    ///   - qos: 0 or 1.
    ///   - properties: none with MQTT 3.1.1.
    /// - Throws: ``MosquittoError`` when the message is not what MQTT or the broker allows, or the connection is lost.
    package func publish(
        _ payload: ByteBuffer, topic: String, qos: Int, retain: Bool,
        properties: borrowing MosquittoProperties = MosquittoProperties()
    ) throws -> Int32 {
        do {
            return try self.handle.publish(payload, topic: topic, qos: qos, retain: retain, properties: properties)
        } catch let failure as MosquittoFailure {
            throw failure.publishError(peer: self.peer)
        }
    }

    /// Queues a SUBSCRIBE for one filter and returns its packet identifier.
    ///
    /// - Parameters:
    ///   - options: MQTT 5 §3.8.3.1, without the QoS.
    ///   - subscription: the subscription identifier (MQTT 5 §3.8.2.1.2); `nil` for none.
    /// - Throws: ``MosquittoError``.
    package func subscribe(_ filter: String, qos: Int, options: Int32, subscription: UInt32? = nil) throws -> Int32 {
        try self.perform { try self.handle.subscribe(filter, qos: qos, options: options, subscription: subscription) }
    }

    /// Queues an UNSUBSCRIBE for one filter and returns its packet identifier.
    ///
    /// - Throws: ``MosquittoError``.
    package func unsubscribe(_ filter: String) throws -> Int32 {
        try self.perform { try self.handle.unsubscribe(filter) }
    }

    /// Sends a ping when one is due, and gives up on a broker that gives no sign of life.
    ///
    /// - Parameter reads: whether data from the broker is being read.
    /// - Throws: ``MosquittoError``.
    package func ping(reads: Bool) throws { try self.wire.keepAliveTick(reads: reads) }

    // MARK: The end

    /// The reason code of the broker's DISCONNECT, from 0x80; `nil` when there was none.
    package var disconnectReason: Int32? { self.callbacks.disconnectReason }

    /// Whether the broker has closed or reset the connection.
    package var isClosedByPeer: Bool { self.wire.isClosedByPeer }

    /// The client id that the broker has assigned in place of ours; `nil` for none.
    package var assignedClientID: String? { self.wire.assignedClientID }

    /// Sends DISCONNECT, and waits up to two seconds until the broker has read it.
    ///
    /// - Parameter publishesWill: whether to publish the will first, because the broker discards it at a DISCONNECT.
    package func close(publishesWill: Bool) {
        // Closing with unread messages of the broker would reset the connection, and the broker would lose
        // acknowledgements that it has not read. So the rest is read until the broker has closed its side.
        let deadline = ContinuousClock.now + .seconds(2)
        // The work is done: a broker that is gone by now loses nothing of ours.
        do {
            if publishesWill, let will = self.will {
                _ = try self.publish(will.payload, topic: will.topic, qos: will.qos, retain: will.isRetained)
            }
            try self.handle.disconnect()
            while self.handle.wantsWrite {
                try self.handle.write()
                self.wire.pull()
            }
            self.wire.pull()
            while !self.wire.isFlushed, ContinuousClock.now < deadline - .seconds(1) {
                try self.wire.flush()
                _ = self.thread.wait(fd: self.wire.descriptor, events: .writable, timeout: .milliseconds(50))
            }
        } catch {
            return
        }
        self.wire.endWriting()
        while self.wire.discard(), ContinuousClock.now < deadline {
            _ = self.thread.wait(fd: self.wire.descriptor, events: .readable, timeout: .milliseconds(50))
        }
    }

    // MARK: Errors

    private func perform<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let failure as MosquittoFailure {
            // A DISCONNECT of the broker is more specific than the error that follows it.
            if let reason = self.disconnectReason { throw self.ended(reason) }
            throw failure.error(peer: self.peer)
        }
    }

    /// - Parameter ending: a reason code of MQTT 5, or a code of the library.
    private func ended(_ ending: Int32) -> MosquittoError {
        guard (0x80...0xff).contains(ending) else {
            return MosquittoError(.lost, "the connection to \(self.peer) was lost")
        }
        return MosquittoError(
            .disconnected(ending), "\(self.peer) closed the connection (\(MQTTReasonCode.text(ending)))",
            reference: self.wire.serverReference
        )
    }
}
