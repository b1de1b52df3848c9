import Glibc
import Synchronization

/// Reads one event stream over a plain socket as the WHATWG standard says (HTML §9.2.6), and keeps the raw bytes beside it.
///
/// Thread-safe. Closed with the last reference.
package final class SSEClientPeer: Sendable {
    /// One dispatched event.
    package struct Event: Sendable, Equatable {
        /// The last event id when it was dispatched.
        package let id: String
        /// `message` when the stream named none.
        package let type: String
        package let data: String

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

    /// Asks for a stream on loopback and waits for the head of the answer.
    ///
    /// - Parameters:
    ///   - headers: added to `Host` and `Accept`.
    ///   - receiveBuffer: bytes the kernel keeps for a reader that is paused; the system's own when `nil`.
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

    /// The answer's status.
    package var status: Int? { self.state.withLock { $0.status } }
    /// All bytes of the body so far, transfer coding taken off.
    package var body: [UInt8] { self.state.withLock { $0.body } }
    /// Every event so far, in order, those of other types than `message` included.
    package var events: [Event] { self.state.withLock { $0.events } }
    /// The events of type `message`.
    package var messages: [Event] { self.events.filter { $0.type == "message" } }
    /// How many events there were so far.
    package var count: Int { self.state.withLock { $0.events.count } }
    /// The last `retry:`, in milliseconds.
    package var retry: Int? { self.state.withLock { $0.retry } }
    /// Why the stream has ended; `nil` while it lives.
    package var ending: String? { self.state.withLock { $0.ending } }

    /// A header of the answer, by its name in lower case.
    package func header(_ name: String) -> String? {
        self.state.withLock { $0.headers.first { $0.name == name }?.value }
    }

    /// Every line that begins with `data: `, without that: what the naive clients of the field see.
    package var naiveData: [String] {
        self.body.split(separator: 10).filter { $0.starts(with: "data: ".utf8) }
            .map { String(decoding: $0.dropFirst(6), as: UTF8.self) }
    }

    /// Reads nothing more from the socket until told to: a slow reader.
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
