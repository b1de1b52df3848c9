import BridgeTesting
import Glibc
import NIOCore

@testable import Mosquitto

/// A client of libmosquitto as ``MosquittoConnection`` makes it, without anything in front of it: what the test sends is what the library reads.
///
/// Confined to the test.
final class BareClient {
    let handle: MosquittoHandle
    let callbacks: MosquittoCallbacks
    private let log: EventLog
    /// The broker's end of a socket pair that has taken the place of the connection.
    private var broker: Int32

    /// What the library has reported.
    private final class EventLog {
        var events: [String] = []
    }

    /// Connects with MQTT 5; CONNECT is queued.
    init(properties: borrowing MosquittoProperties = MosquittoProperties()) throws {
        let log = EventLog()
        self.log = log
        self.callbacks = MosquittoCallbacks { event in log.events.append(Self.text(event)) }
        self.handle = try MosquittoHandle(clientID: "c", cleanStart: true, version: .five, callbacks: self.callbacks)
        // The library connects to a listener whose connection is never accepted.
        let listener = try LoopbackListener()
        try self.handle.connect(host: "127.0.0.1", port: listener.port, keepAlive: 30, properties: properties)
        self.broker = try Self.replace(self.handle.socket)
    }

    /// Connects the same client again, and has the broker accept that.
    func reconnect() throws {
        let listener = try LoopbackListener()
        try self.handle.connect(host: "127.0.0.1", port: listener.port, keepAlive: 30, properties: MosquittoProperties())
        close(self.broker)
        self.broker = try Self.replace(self.handle.socket)
        self.write()
        _ = self.sent()
        try self.receive([0x20, 3, 0, 0, 0])
        self.write()
    }

    /// Replaces a descriptor by one end of a socket pair, and returns the other.
    private static func replace(_ descriptor: Int32) throws -> Int32 {
        var pair: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &pair) == 0, dup2(pair[1], descriptor) >= 0 else {
            throw PeerError("no socket pair: errno \(errno)")
        }
        close(pair[1])
        return pair[0]
    }

    /// The same, and the broker has accepted the connection.
    static func connected() throws -> BareClient {
        let client = try BareClient()
        client.write()
        _ = client.sent()
        try client.receive([0x20, 3, 0, 0, 0])
        return client
    }

    deinit { close(self.broker) }

    /// Has the library read these bytes of the broker.
    func receive(_ bytes: [UInt8]) throws {
        guard Glibc.write(self.broker, bytes, bytes.count) == bytes.count else { throw PeerError("the pair is full") }
        while try self.handle.read() {}
    }

    /// Has the library write what it has queued.
    func write() {
        while self.handle.wantsWrite { guard (try? self.handle.write()) != nil else { return } }
    }

    /// What the library has written since the last call.
    func sent() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(self.broker, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }

    /// What the library has reported since the last call.
    func takeEvents() -> [String] {
        defer { self.log.events = [] }
        return self.log.events
    }

    private static func text(_ event: MosquittoEvent) -> String {
        switch event {
        case .message(let message):
            let identifier = message.identifier.map { "\($0)" } ?? "none"
            return "message \(message.topic) identifier \(identifier) duplicate \(message.isDuplicate)"
        case .omission: return "omission"
        case .subscribed(let packet, let code): return "subscribed \(packet) \(code)"
        case .unsubscribed(let packet): return "unsubscribed \(packet)"
        case .published(let packet, let reason): return "published \(packet) \(reason)"
        }
    }
}

/// A port on loopback on which connections are made and never accepted.
struct LoopbackListener: ~Copyable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var name = [UInt8](repeating: 0, count: 16)
        let isListening = try SocketAddress(ipAddress: "127.0.0.1", port: 0).withSockAddr { address, length in
            var nameLength = socklen_t(name.count)
            return bind(descriptor, address, socklen_t(length)) == 0 && listen(descriptor, 4) == 0
                && name.withUnsafeMutableBytes {
                    getsockname(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &nameLength) == 0
                }
        }
        guard isListening else { throw PeerError("no port on loopback: errno \(errno)") }
        // After the family, in network byte order.
        self.port = Int(name[2]) << 8 | Int(name[3])
    }

    deinit { close(self.descriptor) }
}
