import CMosquitto
import PollThread

/// Makes a connection: resolves the name, connects to one address after the other, does the handshake of TLS and exchanges CONNECT and CONNACK.
///
/// Runs on the thread of the connection, which it blocks.
struct MosquittoConnector {
    let options: MosquittoOptions
    let thread: PollThread
    let receive: (MosquittoEvent) -> Void

    /// The parts of a connection.
    struct Parts {
        let handle: MosquittoHandle
        let callbacks: MosquittoCallbacks
        let wire: MQTTWire
        let connack: MQTTConnack
    }

    /// What else a port may be for, if its server accepts a connection and stays silent.
    private static let otherPort = "the port may be for WebSocket or belong to another service"

    private var peer: String { self.options.peer }

    /// - Throws: ``MosquittoError``, or a `CancellationError` once the connection is unwanted.
    func connect(isUnwanted: () -> Bool) throws -> Parts {
        let deadline = ContinuousClock.now + self.options.connectLimit
        let hosts: [String]
        do {
            hosts = try HostAddresses.resolve(self.options.host)
        } catch let failure as MosquittoFailure {
            throw failure.error(peer: self.peer)
        }
        var last: MosquittoError?
        for (index, host) in hosts.enumerated() {
            let share = (deadline - ContinuousClock.now) / (hosts.count - index)
            do {
                return try self.connect(to: host, deadline: .now + share, isUnwanted: isUnwanted)
            } catch let error as MosquittoError where error.code == .unreachable || error.code == .timedOut {
                last = error
            }
        }
        throw last ?? MosquittoError(.unreachable, "\(self.peer) has no address")
    }

    private func connect(to host: String, deadline: ContinuousClock.Instant, isUnwanted: () -> Bool) throws -> Parts {
        do {
            let callbacks = MosquittoCallbacks(self.receive)
            let handle = try self.begin(host, callbacks)
            let wire = try MQTTWire(
                replacing: handle.socket,
                validator: MQTTPacketValidator(
                    version: self.options.version, takesMessages: self.options.receiveMaximum != nil),
                deliveries: callbacks.deliveries, peer: self.peer, stallLimit: self.options.stallLimit
            )
            if let tls = self.options.tls {
                wire.secure(try MQTTSecureChannel(tls, host: self.options.host, peer: self.peer))
            }
            func wait(_ complaint: String, _ events: PollThread.Readiness) throws -> Bool {
                if Task.isCancelled || isUnwanted() { throw CancellationError() }
                let left = deadline - ContinuousClock.now
                guard left > .zero else { throw MosquittoError(.timedOut, "\(self.peer) \(complaint)") }
                return !self.thread.wait(fd: wire.descriptor, events: events, timeout: min(left, .milliseconds(100))).isEmpty
            }
            while try !wait("did not accept a connection in time", .writable) {}
            let failure = wire.connectFailure
            guard failure == 0 else {
                throw MosquittoError(
                    .unreachable, "\(self.peer) cannot be reached",
                    cause: MosquittoFailure("connecting", MOSQ_ERR_ERRNO, system: failure)
                )
            }
            while try !wire.handshake() {
                _ = try wait("did not complete the TLS handshake in time; \(Self.otherPort)", wire.interest)
            }
            let connack: MQTTConnack
            do {
                while try !self.exchange(handle, callbacks, wire) {
                    _ = try wait("did not answer CONNECT in time; \(Self.otherPort)", wire.interest)
                }
                // The loop has ended with it.
                connack = callbacks.connack!
            } catch {
                throw self.silentEnd(error)
            }
            guard connack.reason == 0 else {
                let text = MQTTReasonCode.text(connack.reason)
                throw MosquittoError(
                    .refused(connack.reason), "\(self.peer) refused the connection (\(text))", reference: wire.serverReference
                )
            }
            // The broker's own value takes precedence (MQTT 5 §3.2.2.3.14).
            wire.begin(keepAlive: connack.serverKeepAlive.map { .seconds($0) } ?? self.options.keepAlive)
            return Parts(handle: handle, callbacks: callbacks, wire: wire, connack: connack)
        } catch let failure as MosquittoFailure {
            throw failure.error(peer: self.peer)
        }
    }

    /// Creates a client of the library, which begins to connect and queues its CONNECT.
    private func begin(_ host: String, _ callbacks: MosquittoCallbacks) throws -> MosquittoHandle {
        let options = self.options
        let handle = try MosquittoHandle(
            clientID: options.clientID,
            // MQTT 5 §3.1.2.4: a clean start forgets an old session; MQTT 3.1.1 has one flag for that and for the expiry.
            cleanStart: options.sessionExpiry == .zero, version: options.version, callbacks: callbacks
        )
        if let user = options.user { try handle.setCredentials(user: user, password: options.password) }
        if let will = options.will { try handle.setWill(will) }
        var properties = MosquittoProperties()
        if options.version == .five {
            let seconds = min(max(options.sessionExpiry.components.seconds, 0), Int64(UInt32.max))
            properties.append(.sessionExpiry, number: UInt32(seconds))
            if let maximum = options.receiveMaximum { properties.append(.receiveMaximum, short: maximum) }
        }
        do {
            try handle.connect(
                host: host, port: options.port, keepAlive: Int(options.keepAlive.components.seconds), properties: properties
            )
        } catch let failure as MosquittoFailure where failure.code == MOSQ_ERR_ERRNO {
            throw MosquittoError(.unreachable, "\(self.peer) cannot be reached", cause: failure)
        }
        return handle
    }

    /// Sends CONNECT and reads the answer, up to the CONNACK.
    ///
    /// - Returns: whether the CONNACK has arrived.
    private func exchange(_ handle: MosquittoHandle, _ callbacks: MosquittoCallbacks, _ wire: MQTTWire) throws -> Bool {
        if handle.wantsWrite {
            try handle.write()
            wire.pull()
        }
        try wire.flush()
        while case .bytes = try wire.supply() {
            do {
                // One packet a call: nothing that follows CONNACK is read here, before the owner has the connection.
                while callbacks.connack == nil, try handle.read() {}
            } catch {
                // The library reports a refusal as an error too; the code is more specific.
                if callbacks.connack == nil { throw error }
            }
            if callbacks.connack != nil { return true }
        }
        return false
    }

    /// A connection that was lost before the CONNACK, with what may be the reason.
    private func silentEnd(_ error: any Error) -> any Error {
        let cause = (error as? MosquittoFailure)?.error(peer: self.peer) ?? error as? MosquittoError
        guard var lost = cause, lost.code == .lost else { return error }
        let remedy =
            self.options.tls == nil
            ? "the port may require TLS (mqtts://), or the broker refuses the client without a reason" : Self.otherPort
        // The cause comes after the message.
        lost.message = "\(lost) before CONNACK; \(remedy)"
        lost.cause = nil
        return lost
    }
}
