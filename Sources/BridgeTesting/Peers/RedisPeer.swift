package import NIOCore
import Synchronization
import Testing

/// A minimal Redis client (RESP 2 over TCP), independent of the library that the adapters use.
///
/// Thread-safe; one command or pipeline at a time. After ``subscribe(channels:patterns:)`` a peer only records
/// messages.
package final class RedisPeer: Sendable {
    /// One message of a channel.
    package struct Message: Sendable {
        /// The channel, also for a message that a pattern matched.
        package let channel: String
        /// The payload, byte for byte.
        package let payload: ByteBuffer

        /// The payload decoded as UTF-8.
        package var text: String { String(buffer: self.payload) }
    }

    private struct State {
        var messages: [Message] = []
        var subscriptions = 0
        var ending: String?
    }

    private let socket: BlockingSocket
    /// Bytes that were read and not yet parsed; its lock serialises the exchanges.
    private let received = Mutex<[UInt8]>([])
    private let state = Mutex(State())

    private init(socket: BlockingSocket) {
        self.socket = socket
    }

    deinit {
        self.socket.shutDown()
    }

    /// Connects to a server on loopback, and authenticates when a password is given.
    ///
    /// - Throws: ``PeerError`` when the connection or the authentication fails.
    package static func connect(port: Int, username: String? = nil, password: String? = nil) async throws -> RedisPeer {
        let peer = try await OwnThread.run { RedisPeer(socket: try BlockingSocket(port: port)) }
        if let password {
            try await peer.command(["AUTH"] + (username.map { [$0] } ?? []) + [password])
        }
        return peer
    }

    /// Sends one command and waits for its reply.
    ///
    /// - Throws: ``PeerError`` with the server's text for an error reply, and after 20 s without a reply.
    @discardableResult
    package func command(_ arguments: String...) async throws -> RedisReply {
        try await self.command(arguments)
    }

    /// Sends one command and waits for its reply; see ``command(_:)-(String...)``.
    @discardableResult
    package func command(_ arguments: [String]) async throws -> RedisReply {
        try await self.pipeline([arguments.map { ByteBuffer(string: $0) }])[0]
    }

    /// Sends commands, each as a list of arguments in bytes, and waits for all replies.
    ///
    /// - Throws: ``PeerError`` with the first error among the replies.
    @discardableResult
    package func pipeline(_ commands: [[ByteBuffer]]) async throws -> [RedisReply] {
        try await OwnThread.run {
            try self.received.withLock { received in
                var replies: [RedisReply] = []
                replies.reserveCapacity(commands.count)
                var start = 0
                while start < commands.count {
                    // In portions: a server whose replies are not read stops reading.
                    var bytes: [UInt8] = []
                    var end = start
                    while end < commands.count, end - start < 500, bytes.count < 1 << 20 {
                        Self.append(commands[end], to: &bytes)
                        end += 1
                    }
                    try self.socket.write(bytes)
                    replies += try self.replies(end - start, from: &received)
                    start = end
                }
                for case .error(let text) in replies { throw PeerError(text) }
                return replies
            }
        }
    }

    /// Publishes payloads in order, with `PUBLISH`.
    package func publish(_ payloads: [ByteBuffer], on channel: String) async throws {
        try await self.pipeline(payloads.map { [ByteBuffer(string: "PUBLISH"), ByteBuffer(string: channel), $0] })
    }

    /// Adds one entry per payload to a stream with `XADD`, as the value of `field`.
    package func add(_ payloads: [ByteBuffer], to stream: String, field: String = "data") async throws {
        let head = ["XADD", stream, "*", field].map { ByteBuffer(string: $0) }
        try await self.pipeline(payloads.map { head + [$0] })
    }

    /// All entries of a stream, oldest first: the id, then names and values alternating.
    package func entries(of stream: String) async throws -> [(id: String, fields: [ByteBuffer])] {
        try await self.command("XRANGE", stream, "-", "+").items.map { entry in
            (entry.items[0].text ?? "", entry.items[1].items.compactMap(\.bytes))
        }
    }

    /// Subscribes, waits for the server's confirmations, and then records messages.
    ///
    /// Call it once; the peer accepts no command afterwards.
    package func subscribe(channels: [String] = [], patterns: [String] = []) async throws {
        try await OwnThread.run {
            var bytes: [UInt8] = []
            if !channels.isEmpty { Self.append((["SUBSCRIBE"] + channels).map { ByteBuffer(string: $0) }, to: &bytes) }
            if !patterns.isEmpty { Self.append((["PSUBSCRIBE"] + patterns).map { ByteBuffer(string: $0) }, to: &bytes) }
            try self.socket.write(bytes)
        }
        OwnThread.start { [weak self, socket = self.socket] in
            var received: [UInt8] = []
            do {
                while try socket.read(into: &received) > 0 {
                    let replies = Self.all(of: &received)
                    guard let self else { return }
                    self.collect(replies)
                }
                self?.state.withLock { $0.ending = "closed" }
            } catch {
                self?.state.withLock { $0.ending = "\(error)" }
            }
        }
        try await eventually("the server confirms the subscriptions") {
            self.state.withLock { $0.subscriptions } == channels.count + patterns.count
        }
    }

    /// All recorded messages, in order.
    package var messages: [Message] { self.state.withLock { $0.messages } }
    /// The number of recorded messages.
    package var count: Int { self.state.withLock { $0.messages.count } }
    /// Why the connection of a subscriber ended; `nil` while it is open.
    package var ending: String? { self.state.withLock { $0.ending } }

    private func collect(_ replies: [RedisReply]) {
        self.state.withLock { state in
            for reply in replies {
                let items = reply.items
                switch items.first?.text {
                case "message" where items.count == 3:
                    state.messages.append(Message(channel: items[1].text ?? "", payload: items[2].bytes ?? ByteBuffer()))
                case "pmessage" where items.count == 4:
                    state.messages.append(Message(channel: items[2].text ?? "", payload: items[3].bytes ?? ByteBuffer()))
                case "subscribe", "psubscribe":
                    state.subscriptions += 1
                default:
                    state.ending = "unexpected reply \(reply)"
                }
            }
        }
    }

    private func replies(_ count: Int, from received: inout [UInt8]) throws -> [RedisReply] {
        var result: [RedisReply] = []
        while result.count < count {
            result += Self.all(of: &received)
            guard result.count < count else { break }
            guard try self.socket.read(into: &received, timeout: .seconds(20)) > 0 else {
                throw PeerError("the Redis server closed the connection")
            }
        }
        return result
    }

    private static func all(of bytes: inout [UInt8]) -> [RedisReply] {
        var result: [RedisReply] = []
        var start = 0
        while let (reply, end) = RedisReply.read(bytes, at: start) {
            result.append(reply)
            start = end
        }
        bytes.removeFirst(start)
        return result
    }

    private static func append(_ arguments: [ByteBuffer], to bytes: inout [UInt8]) {
        bytes += "*\(arguments.count)\r\n".utf8
        for argument in arguments {
            bytes += "$\(argument.readableBytes)\r\n".utf8
            bytes += argument.readableBytesView
            bytes += "\r\n".utf8
        }
    }
}
