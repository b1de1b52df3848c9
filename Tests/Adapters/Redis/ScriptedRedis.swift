import BridgeTesting
import NIOCore
import NIOPosix
import Synchronization

/// A Redis server on loopback that answers each command as a test says, for what no real server does at will.
///
/// Thread-safe. Closed with the last reference.
final class ScriptedRedis: Sendable {
    /// What a command is answered with.
    enum Answer: Sendable {
        /// The bytes of an answer.
        case bytes(ByteBuffer)
        case nothing
        /// These bytes, and then the others again and again until the connection ends.
        case endless(ByteBuffer, ByteBuffer)
        /// The connection ends, once earlier answers are written.
        case close

        static let ok = Answer.text("+OK\r\n")

        static func text(_ text: String) -> Answer { .bytes(ByteBuffer(string: text)) }
    }

    /// One command as it came.
    struct Command: Sendable {
        let words: [String]
        /// Which connection it came on, from 1.
        let connection: Int

        var name: String { self.words[0].uppercased() }
    }

    private struct State {
        var commands: [Command] = []
        var connections = 0
        var written = 0
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    let port: Int
    private let listener: any Channel
    private let state: Recorded

    private final class Recorded: Sendable {
        let value = Mutex(State())
    }

    private init(port: Int, listener: any Channel, state: Recorded) {
        self.port = port
        self.listener = listener
        self.state = state
    }

    deinit {
        self.listener.close(promise: nil)
        for channel in self.state.value.withLock({ $0.channels.values.map { $0 } }) { channel.close(promise: nil) }
    }

    /// - Parameter rule: called on an event loop for each command, those of logging in included.
    static func start(_ rule: @escaping @Sendable (Command) -> Answer) async throws -> ScriptedRedis {
        let state = Recorded()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = state.value.withLock { state in
                        state.connections += 1
                        state.channels[ObjectIdentifier(channel)] = channel
                        return state.connections
                    }
                    channel.closeFuture.whenComplete { _ in
                        _ = state.value.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        CommandHandler(state) { words in
                            let command = Command(words: words, connection: number)
                            state.value.withLock { $0.commands.append(command) }
                            return rule(command)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw PeerError("the server has no port") }
        return ScriptedRedis(port: port, listener: listener, state: state)
    }

    var url: String { "redis://127.0.0.1:\(self.port)" }
    /// Everything that came, in order.
    var commands: [Command] { self.state.value.withLock { $0.commands } }
    /// How many connections there were.
    var connections: Int { self.state.value.withLock { $0.connections } }

    /// How many bytes of endless answers the kernel has taken.
    var written: Int { self.state.value.withLock { $0.written } }

    /// The commands of one name.
    func commands(_ name: String) -> [Command] { self.commands.filter { $0.name == name } }

    /// On the event loop of its connection.
    private final class CommandHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: Recorded
        private let answer: ([String]) -> Answer
        private var received = ByteBuffer()
        private var isClosed = false

        init(_ state: Recorded, _ answer: @escaping ([String]) -> Answer) {
            self.state = state
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            self.received.writeBuffer(&bytes)
            while !self.isClosed, let words = Self.command(&self.received) {
                switch self.answer(words) {
                case .bytes(let bytes): context.write(self.wrapOutboundOut(bytes), promise: nil)
                case .nothing: break
                case .endless(let head, let bytes):
                    context.write(self.wrapOutboundOut(head), promise: nil)
                    Self.repeatForever(bytes, context.channel, self.state)
                case .close:
                    self.isClosed = true
                    let context = NIOLoopBound(context, eventLoop: context.eventLoop)
                    context.value.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
                        context.value.close(promise: nil)
                    }
                }
            }
            if !self.isClosed { context.flush() }
        }

        private static func repeatForever(_ bytes: ByteBuffer, _ channel: any Channel, _ state: Recorded) {
            channel.writeAndFlush(bytes).whenSuccess {
                state.value.withLock { $0.written += bytes.readableBytes }
                self.repeatForever(bytes, channel, state)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        /// The next whole command.
        private static func command(_ buffer: inout ByteBuffer) -> [String]? {
            var rest = buffer
            guard let count = Self.number(&rest, "*") else { return nil }
            var words: [String] = []
            for _ in 0..<count {
                guard let length = Self.number(&rest, "$"), let word = rest.readString(length: length),
                    rest.readInteger(as: UInt16.self) != nil
                else { return nil }
                words.append(word)
            }
            buffer = rest
            return words
        }

        private static func number(_ buffer: inout ByteBuffer, _ mark: Unicode.Scalar) -> Int? {
            guard let end = buffer.readableBytesView.firstIndex(of: 0x0A),
                let line = buffer.readString(length: end - buffer.readerIndex + 1), line.unicodeScalars.first == mark
            else { return nil }
            return Int(line.dropFirst().prefix { $0.isNumber })
        }
    }
}
