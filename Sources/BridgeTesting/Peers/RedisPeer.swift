package import NIOCore
import Synchronization
import Testing

/// A small Redis client of the tests' own (RESP 2 over TCP), so that adapters are not tested with the library they are made of.
///
/// Thread-safe; one command or pipeline at a time. A peer that has subscribed can only collect messages.
package final class RedisPeer: Sendable {
    /// One message of a channel.
    package struct Message: Sendable {
        package let channel: String
        package let payload: ByteBuffer

        /// The payload as text.
        package var text: String { String(buffer: self.payload) }
    }

    private struct State {
        var messages: [Message] = []
        var subscriptions = 0
        var ending: String?
    }

    private let socket: BlockingSocket
    /// What was read and not yet used; also lets one exchange at a time through.
    private let received = Mutex<[UInt8]>([])
    private let state = Mutex(State())

    private init(socket: BlockingSocket) {
        self.socket = socket
    }

    deinit {
        self.socket.shutDown()
    }

    /// Connects to a server on loopback.
    package static func connect(port: Int, username: String? = nil, password: String? = nil) async throws -> RedisPeer {
        let peer = try await OwnThread.run { RedisPeer(socket: try BlockingSocket(port: port)) }
        if let password {
            try await peer.command(["AUTH"] + (username.map { [$0] } ?? []) + [password])
        }
        return peer
    }

    /// Sends one command and waits for its reply.
    ///
    /// - Throws: ``PeerError`` with the server's text when it answers with an error.
    @discardableResult
    package func command(_ arguments: String...) async throws -> RedisReply {
        try await self.command(arguments)
    }

    /// Sends one command and waits for its reply; see ``command(_:)-(String...)``.
    @discardableResult
    package func command(_ arguments: [String]) async throws -> RedisReply {
        try await self.pipeline([arguments.map { ByteBuffer(string: $0) }])[0]
    }

    /// Sends many commands, each as its arguments in bytes, and waits for all replies.
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
                    // In portions, because a server that nobody reads from stops reading itself.
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

    /// Publishes in order.
    package func publish(_ payloads: [ByteBuffer], on channel: String) async throws {
        try await self.pipeline(payloads.map { [ByteBuffer(string: "PUBLISH"), ByteBuffer(string: channel), $0] })
    }

    /// Adds one entry for each payload to a stream, as the value of `field`.
    package func add(_ payloads: [ByteBuffer], to stream: String, field: String = "data") async throws {
        let head = ["XADD", stream, "*", field].map { ByteBuffer(string: $0) }
        try await self.pipeline(payloads.map { head + [$0] })
    }

    /// All entries of a stream: their ids, and names and values in turn.
    package func entries(of stream: String) async throws -> [(id: String, fields: [ByteBuffer])] {
        try await self.command("XRANGE", stream, "-", "+").items.map { entry in
            (entry.items[0].text ?? "", entry.items[1].items.compactMap(\.bytes))
        }
    }

    /// Subscribes to channels and patterns and waits until the server has said so; messages are then collected.
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

    /// The messages collected so far, in order.
    package var messages: [Message] { self.state.withLock { $0.messages } }
    /// How many messages were collected so far.
    package var count: Int { self.state.withLock { $0.messages.count } }
    /// Why the connection of a subscriber has ended; `nil` while it lives.
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
