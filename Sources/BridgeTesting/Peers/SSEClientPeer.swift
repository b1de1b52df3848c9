import Glibc
import Synchronization

/// Reads one event stream over a plain socket as the standard requires (WHATWG HTML §9.2.6), and keeps the raw bytes.
///
/// Thread-safe. Closes with its last reference.
package final class SSEClientPeer: Sendable {
    /// One dispatched event (WHATWG HTML §9.2.6).
    package struct Event: Sendable, Equatable {
        /// The last event ID at the dispatch.
        package let id: String
        /// The event type; `message` when the stream named none.
        package let type: String
        /// The data buffer, its lines joined with LF.
        package let data: String

        /// Makes an event to compare with.
        package init(id: String, type: String = "message", data: String) {
            self.id = id
            self.type = type
            self.data = data
        }
    }

    private struct State {
        var status: Int?
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
        var events: [Event] = []
        var retry: Int?
        var ending: String?
        var isPaused = false
    }

    private let socket: BlockingSocket
    private let state = Mutex(State())

    /// Requests a stream on loopback and waits for the head of the answer.
    ///
    /// - Parameters:
    ///   - headers: added to `Host` and `Accept`.
    ///   - receiveBuffer: the kernel's receive buffer in bytes; `nil` keeps the system's default.
    /// - Throws: ``PeerError`` when there is no answer within 20 s.
    package static func connect(
        port: Int, path: String, headers: [(name: String, value: String)] = [], receiveBuffer: Int32? = nil
    ) async throws -> SSEClientPeer {
        let peer = try await OwnThread.run {
            let socket = try BlockingSocket(port: port)
            if let receiveBuffer { socket.limitReceiveBuffer(to: receiveBuffer) }
            var request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept: text/event-stream\r\n"
            for (name, value) in headers { request += "\(name): \(value)\r\n" }
            try socket.write(Array("\(request)\r\n".utf8))
            return SSEClientPeer(socket: socket)
        }
        OwnThread.start { [weak peer, socket = peer.socket] in
            var parser = SSEStreamParser()
            var received: [UInt8] = []
            do {
                while try socket.read(into: &received) > 0 {
                    let update = try parser.feed(received)
                    received.removeAll(keepingCapacity: true)
                    while peer?.isPaused == true { usleep(2000) }
                    guard let peer else { return }
                    peer.merge(update)
                }
                peer?.end("closed")
            } catch {
                peer?.end("\(error)")
            }
        }
        let deadline = ContinuousClock.now + .seconds(20)
        while peer.status == nil {
            if let ending = peer.ending { throw PeerError("no answer for \(path): \(ending)") }
            guard ContinuousClock.now < deadline else { throw PeerError("no answer for \(path)") }
            try await Task.sleep(for: .milliseconds(2))
        }
        return peer
    }

    private init(socket: BlockingSocket) {
        self.socket = socket
    }

    deinit {
        self.socket.shutDown()
    }

    /// The status code of the answer; `nil` before the head.
    package var status: Int? { self.state.withLock { $0.status } }
    /// All bytes of the body so far, without chunked coding.
    package var body: [UInt8] { self.state.withLock { $0.body } }
    /// All events up to now, in order, of every type.
    package var events: [Event] { self.state.withLock { $0.events } }
    /// The events of type `message`.
    package var messages: [Event] { self.events.filter { $0.type == "message" } }
    /// The number of events so far.
    package var count: Int { self.state.withLock { $0.events.count } }
    /// The last `retry` field, in milliseconds; `nil` when there was none.
    package var retry: Int? { self.state.withLock { $0.retry } }
    /// Why the stream ended; `nil` while it is open.
    package var ending: String? { self.state.withLock { $0.ending } }

    /// The first value of a header field of the answer.
    ///
    /// - Parameter name: in lower case.
    package func header(_ name: String) -> String? {
        self.state.withLock { $0.headers.first { $0.name == name }?.value }
    }

    /// The rest of every line that begins with `data: `, as clients without a real parser read it.
    package var naiveData: [String] {
        self.body.split(separator: 10).filter { $0.starts(with: "data: ".utf8) }
            .map { String(decoding: $0.dropFirst(6), as: UTF8.self) }
    }

    /// Stops reading from the socket, as a slow client does, until called with `false`.
    package func pause(_ isPaused: Bool = true) {
        self.state.withLock { $0.isPaused = isPaused }
    }

    /// Closes the connection.
    package func close() {
        self.socket.shutDown()
    }

    private var isPaused: Bool { self.state.withLock { $0.isPaused } }

    private func merge(_ update: SSEStreamParser.Update) {
        self.state.withLock { state in
            if let status = update.status { (state.status, state.headers) = (status, update.headers) }
            state.body += update.body
            state.events += update.events
            if let retry = update.retry { state.retry = retry }
        }
    }

    private func end(_ reason: String) {
        self.state.withLock { $0.ending = reason }
    }
}
