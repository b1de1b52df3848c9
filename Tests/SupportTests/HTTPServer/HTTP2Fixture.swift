import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import Synchronization

/// What `curl` printed for a URL of the server on this port, with HTTP/2 from the first byte.
func curl(_ port: Int, _ path: String, _ arguments: [String] = []) async throws -> String {
    let common = ["-sS", "--max-time", "20", "--http2-prior-knowledge"]
    return try await ChildProcess.with("curl", common + arguments + ["http://127.0.0.1:\(port)\(path)"]) { curl in
        let ending = try await curl.untilEnded()
        guard ending == .exited(0) else { throw PeerError("\(ending): \(curl.standardError)") }
        return curl.standardOutput
    }
}

/// Runs JavaScript with a `session` of Node's HTTP/2 client, for as long as `body` runs.
func withNode<Value>(_ port: Int, _ script: String, _ body: (ChildProcess) async throws -> Value) async throws -> Value {
    let head = """
        const session = require('http2').connect('http://127.0.0.1:\(port)');
        session.on('error', error => console.log('session error'));
        const get = path => {
            const stream = session.request({ ':path': path });
            stream.on('error', error => console.log(path, error.code));
            stream.setEncoding('utf8');
            return stream;
        };

        """
    return try await ChildProcess.with("node", ["-e", head + script], body)
}

/// The bytes of one HTTP/2 frame (RFC 9113 §4.1).
func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = withUnsafeBytes(of: UInt32(payload.count).bigEndian) { Array($0.dropFirst()) }
    return length + [type, flags] + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
}

/// What a client of HTTP/2 sends first: the preface and empty SETTINGS.
let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)
/// The fields of `GET / HTTP/2` with the authority `x` (RFC 7541 §C).
let getFields: [UInt8] = [0x82, 0x86, 0x84, 0x41, 1, UInt8(ascii: "x")]

/// A handler that writes body bytes for as long as its channel takes them, up to a total, and remembers what it saw.
final class Filler: ChannelInboundHandler, Sendable {
    typealias InboundIn = Never
    typealias OutboundOut = ByteBuffer

    struct Seen {
        var channel: (any Channel)?
        var written = 0
        var isFull = false
        var hasInputClosed = false
        var isRemoved = false
    }

    let seen = Mutex(Seen())
    private let total: Int
    private let endsItself: Bool

    init(total: Int, endsItself: Bool = false) {
        self.total = total
        self.endsItself = endsItself
    }

    /// A route that opens a stream with this handler.
    func register(_ router: HTTPRouter, _ path: String) throws {
        try router.registerStream(.GET, path) { _, _ in
            .open(HTTPStreamOpening(head: HTTPResponse(.ok, body: ByteBuffer(string: "first "))) { _ in self })
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.seen.withLock { $0.channel = context.channel }
        context.flush()
        self.fill(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.seen.withLock { $0.isRemoved = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.fill(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.seen.withLock { $0.hasInputClosed = true } }
    }

    private func fill(_ context: ChannelHandlerContext) {
        while context.channel.isWritable {
            let rest = self.total - self.seen.withLock { $0.written }
            guard rest > 0 else {
                if self.endsItself { context.close(promise: nil) }
                return
            }
            let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: min(rest, 10_000))
            self.seen.withLock { $0.written += piece.readableBytes }
            context.writeAndFlush(Self.wrapOutboundOut(piece), promise: nil)
        }
        self.seen.withLock { $0.isFull = true }
    }
}
