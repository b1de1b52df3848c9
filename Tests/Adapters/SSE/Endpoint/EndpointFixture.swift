import BridgeCore
import BridgeTesting
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import SSEAdapter

/// Streams on an HTTP server of their own.
struct EndpointFixture {
    let sink: SSESink
    let metrics: Metrics
    let port: Int
    let context: ComponentContext

    var hub: SSEHub { self.sink.hub }

    /// Offers a stream named `s` for one test.
    ///
    /// - Parameters:
    ///   - serverChange: what is different about the server.
    ///   - access: decides about streams without a token of their own.
    ///   - log: keeps the lines of the stream.
    static func run<Result>(
        _ change: (inout SSESinkConfiguration) -> Void = { _ in },
        server serverChange: (inout HTTPServerConfiguration) -> Void = { _ in },
        access: (any HTTPAccess)? = nil, log: RecordedLog? = nil, _ body: (EndpointFixture) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup.singleton
        let router = HTTPRouter()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var configuration = HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0))
        serverChange(&configuration)
        let server = HTTPServer(configuration: configuration, router: router, group: group, logger: logger)
        let shared = SharedServices()
        shared.add(router)
        if let access { shared.add(HTTPAccessService(access)) }
        let metrics = Metrics()
        let context = ComponentContext(
            name: "out", logger: log?.logger("out") ?? logger, eventLoopGroup: group, bridge: "b", cursors: NoCursors(),
            metrics: ComponentMetrics(component: "out", kind: "sse", direction: "sink", metrics: metrics), shared: shared
        )
        let sink = try Self.sink("s", change, context)
        let address = try await server.start()
        do {
            let result = try await body(
                EndpointFixture(sink: sink, metrics: metrics, port: address.port ?? 0, context: context))
            await sink.hub.close(sink.stream, within: .zero)
            await server.shutdown(deadline: .now + .milliseconds(200))
            return result
        } catch {
            await server.shutdown(deadline: .now)
            throw error
        }
    }

    /// Offers one more stream on the same server, for as long as the result is kept.
    func offer(_ stream: String, _ change: (inout SSESinkConfiguration) -> Void = { _ in }) throws -> SSESink {
        try Self.sink(stream, change, self.context)
    }

    private static func sink(
        _ stream: String, _ change: (inout SSESinkConfiguration) -> Void, _ context: ComponentContext
    ) throws -> SSESink {
        var configuration = try SSESinkConfiguration(stream: stream)
        configuration.drain = .zero
        change(&configuration)
        return try SSESink(variants: [configuration], context: context)
    }

    /// Publishes events to a stream, through its feed, and waits until they are published.
    func publish(
        _ events: [Event], names: [String]? = nil, types: [String?]? = nil, to sink: SSESink? = nil
    ) async throws {
        let stream = (sink ?? self.sink).stream
        try await self.hub.home.submit { _ = self.hub.publish(events, SSELabels(names: names, types: types), to: stream) }.get()
    }

    /// Publishes events whose messages are these texts, as one batch.
    func publish(_ messages: [String], kind: Event.Kind = .message) async throws {
        try await self.publish(messages.map { Self.event($0, kind: kind) })
    }

    /// Ends the stream.
    func close() async {
        await self.hub.close(self.sink.stream, within: .zero)
    }

    static func event(
        _ message: String, kind: Event.Kind = .message, priority: Int? = nil, tags: [String] = [], subject: String = "x"
    ) -> Event {
        Event(
            id: "m", title: nil, message: message, priority: priority, tags: tags, timestamp: Timestamp(milliseconds: 0),
            payload: nil, json: ByteBuffer(string: #"{"id":"m","title":"","message":"\#(message)"}"#), source: "in",
            subject: subject,
            attributes: Attributes(), raw: ByteBuffer(), kind: kind
        )
    }

    /// Requests the stream.
    ///
    /// - Parameter target: what follows the path, such as `?since=1m`.
    func open(_ target: String = "", headers: String = "", receiveBuffer: Int32? = nil) async throws -> StreamReader {
        try await self.request("GET /api/stream/s\(target)", headers: headers, receiveBuffer: receiveBuffer)
    }

    /// Sends a request and reads the head of its answer.
    ///
    /// - Parameter line: method and target.
    func request(
        _ line: String, headers: String = "", body: String? = nil, receiveBuffer: Int32? = nil
    ) async throws -> StreamReader {
        let connection = try RawConnection(port: self.port, receiveBuffer: receiveBuffer)
        let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        try await connection.send("\(line) HTTP/1.1\r\nHost: x\r\n\(headers)\(length)\r\n\(body ?? "")")
        return StreamReader(connection, head: try await connection.receive(through: "\r\n\r\n"))
    }

    /// Waits until there are this many subscribers.
    func waitForSubscribers(_ count: Int) async throws {
        try await eventually("there are \(count) subscribers") { self.sink.stream.subscribers == count }
    }

    /// The sum of a counter of this stream.
    func counter(_ name: String, _ labels: String = "") -> Int {
        for line in self.metrics.render().split(separator: "\n")
        where line.hasPrefix("streambridge_\(name)") && line.contains(labels) {
            return line.split(separator: " ").last.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    private struct NoCursors: CursorStore {
        func cursor(of source: String) -> String? { nil }
        func move(_ cursor: String, of source: String) throws {}
    }
}

/// Reads a chunked event stream block by block.
final class StreamReader {
    let connection: RawConnection
    let head: String
    private var blocks: ArraySlice<String> = []
    private(set) var hasEnded = false

    init(_ connection: RawConnection, head: String) {
        self.connection = connection
        self.head = head
    }

    var status: Int { Int(self.head.split(separator: " ")[1]) ?? 0 }

    /// The body of an answer that is no stream.
    func body() async throws -> String {
        let length = self.head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }?.dropFirst(16) ?? ""
        return try await self.connection.receive(count: Int(length) ?? 0)
    }

    /// The next block without its blank line, or a comment line before it; `nil` at the end of the body.
    func block() async throws -> String? {
        while true {
            if let block = self.blocks.popFirst() { return block }
            guard !self.hasEnded else { return nil }
            let size = try await self.connection.receive(through: "\r\n").dropLast(1)
            guard let length = Int(size, radix: 16) else {
                throw PeerError("'\(size)' is no chunk size")
            }
            // Every chunk of a stream ends with a block or a comment.
            let chunk = try await self.connection.receive(count: length)
            self.blocks = chunk.utf8.count == 0 ? [] : Self.split(chunk)[...]
            guard try await self.connection.receive(count: 2) == "\r\n" else {
                throw PeerError("a chunk does not end where it says")
            }
            if length == 0 { self.hasEnded = true }
        }
    }

    /// The blocks and comments of a chunk, by bytes, because looking at characters takes too long.
    private static func split(_ chunk: String) -> [String] {
        var blocks: [String] = []
        var block: [UInt8] = []
        for line in chunk.utf8.split(separator: 10, omittingEmptySubsequences: false) {
            if line.isEmpty {
                if !block.isEmpty { blocks.append(String(decoding: block, as: UTF8.self)) }
                block = []
            } else if block.isEmpty, line.first == UInt8(ascii: ":") {
                blocks.append(String(decoding: line, as: UTF8.self))
            } else {
                if !block.isEmpty { block.append(10) }
                block.append(contentsOf: line)
            }
        }
        return blocks
    }

    /// The next block that is an event of the stream: its id's sequence and its message.
    func event() async throws -> (sequence: Int, message: String) {
        while let block = try await self.block() {
            let lines = block.split(separator: "\n")
            guard let id = lines.first(where: { $0.hasPrefix("id: ") }), let data = lines.first(where: { $0.hasPrefix("data: ") })
            else { continue }
            let sequence = Int(id.split(separator: "-").last ?? "") ?? 0
            let message = data.split(separator: "\"message\":\"").last?.dropLast(2) ?? ""
            return (sequence, String(message))
        }
        throw PeerError("the stream has ended")
    }

    /// The sequence in the cursor event, reading up to it.
    func cursor() async throws -> Int {
        while let block = try await self.block() {
            let lines = block.split(separator: "\n")
            guard lines.contains("event: cursor"), let id = lines.first(where: { $0.hasPrefix("id: ") }) else { continue }
            return Int(id.split(separator: "-").last ?? "") ?? -1
        }
        throw PeerError("the stream has ended")
    }
}
