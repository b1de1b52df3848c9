import Glibc
import NIOCore

@testable import BridgeCore
@testable import MQTTAdapter
@testable import Mosquitto

/// A client with libmosquitto, as the adapter sets it up, and the other end of its connection.
///
/// Confined to its thread.
final class MQTTFuzzBroker {
    let inbox = MQTTSourceInbox()
    let callbacks: MosquittoCallbacks
    private let handle: MosquittoHandle
    private let wire: MQTTWire
    private let broker: Int32

    /// Connects on loopback and says CONNECT.
    init(_ version: MQTTVersion) throws {
        self.inbox.reader = MQTTMessageReader(
            retained: MQTTRetainedPolicy([], memory: MQTTRetainedMemory(), ignored: Counter()),
            plan: MQTTSubscriptionPlan([], hasIdentifiers: true), identifiers: MQTTDuplicateDetector(), dropped: Counter())
        self.callbacks = MosquittoCallbacks { [inbox] event in inbox.receive(event) }
        self.handle = try MosquittoHandle(clientID: "c", cleanStart: true, version: version, callbacks: self.callbacks)
        let listener = try Self.listener.get()
        try self.handle.connect(host: "127.0.0.1", port: listener.port, keepAlive: 0, properties: MosquittoProperties())
        self.broker = accept(listener.descriptor, nil, nil)
        guard self.broker >= 0 else { throw FuzzFailure("no connection on loopback: \(errno)") }
        // The connection is reset at the end, so that none stays in the kernel.
        var reset = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.broker, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
        self.wire = try MQTTWire(
            replacing: self.handle.socket, validator: MQTTPacketValidator(version: version),
            deliveries: self.callbacks.deliveries, peer: "broker")
        while self.handle.wantsWrite {
            try self.handle.write()
            self.wire.pull()
        }
        try self.wire.flush()
    }

    deinit { close(self.broker) }

    /// Sends bytes to the client, which reads them until the connection ends.
    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(self.broker, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw FuzzFailure("nothing can be sent on loopback: \(errno)") }
            rest = rest.dropFirst(count)
        }
        shutdown(self.broker, Int32(SHUT_WR))
        do {
            while self.callbacks.ending == nil { try self.step() }
        } catch {
            // The connection has ended, in the way of this broker.
        }
    }

    private func step() throws {
        switch try self.wire.supply() {
        case .bytes: while self.callbacks.ending == nil, try self.handle.read() {}
        case .omission(let omission): self.callbacks.left(out: omission)
        case .nothing:
            var descriptor = pollfd(fd: self.wire.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 1000) == 1 else { throw FuzzFailure("a second of silence on loopback") }
        }
    }

    /// Listens for as long as the process lives.
    private static let listener: Result<(descriptor: Int32, port: Int), any Error> = Result {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = [UInt8](repeating: 0, count: 16)
        let isListening = try SocketAddress(ipAddress: "127.0.0.1", port: 0).withSockAddr { address, length in
            var nameLength = socklen_t(name.count)
            return bind(descriptor, address, socklen_t(length)) == 0 && listen(descriptor, 16) == 0
                && name.withUnsafeMutableBytes {
                    getsockname(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &nameLength) == 0
                }
        }
        guard isListening else { throw FuzzFailure("no port on loopback: \(errno)") }
        // After the family, in network byte order.
        return (descriptor, Int(name[2]) << 8 | Int(name[3]))
    }
}
