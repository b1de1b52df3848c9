import BridgeTesting
import FoundationEssentials
import Synchronization

/// A page with an `EventSource` that reports what it receives.
///
/// It comes from another server, so that the stream has another origin.
final class StreamPage: Sendable {
    /// What the `EventSource` fired.
    struct Heard: Decodable, Equatable, Sendable {
        let type: String
        /// Its `lastEventId`.
        let id: String
        let data: String
        /// The `readyState` then: 0 while it connects, 1 while it is connected, 2 when it has given up.
        let state: Int
    }

    private let server: HTTPPeer
    /// What was heard, of so many requests.
    private let decoded = Mutex<(requests: Int, heard: [Heard])>((0, []))

    static func start() async throws -> StreamPage {
        StreamPage(try await HTTPPeer.start())
    }

    private init(_ server: HTTPPeer) {
        self.server = server
    }

    var url: String { self.server.url() }
    var origin: String { "http://127.0.0.1:\(self.server.port)" }
    var isShown: Bool { self.server.requests.contains { $0.method == "GET" } }

    /// Everything that was fired so far, in order.
    var heard: [Heard] {
        let requests = self.server.requests
        return self.decoded.withLock { decoded in
            let decoder = JSONDecoder()
            for request in requests.dropFirst(decoded.requests) where request.method == "POST" {
                // What cannot be read is not what a test expects, and is shown as it is.
                decoded.heard.append(
                    (try? decoder.decode(Heard.self, from: Data(request.text.utf8)))
                        ?? Heard(type: "unreadable", id: "", data: request.text, state: 2))
            }
            decoded.requests = max(decoded.requests, requests.count)
            return decoded.heard
        }
    }

    /// Of what was fired so far that of one type.
    func heard(_ type: String) -> [Heard] {
        self.heard.filter { $0.type == type }
    }

    /// The texts of all events that were fired as messages.
    var messages: [String] {
        get throws { try ReceivedEvent.all(self.heard("message").map(\.data)).map(\.message) }
    }

    /// Chooses the stream of the page.
    func listen(to stream: String) {
        // One report waits for the other, so that they arrive in order.
        let page = """
            <!doctype html>
            <link rel="icon" href="data:,">
            <script>
            const stream = new EventSource("\(stream)");
            let reported = Promise.resolve();
            function report(event) {
                const heard = { type: event.type, id: event.lastEventId ?? "", data: event.data ?? "", state: stream.readyState };
                reported = reported.then(() => fetch("/heard", { method: "POST", body: JSON.stringify(heard) }));
            }
            for (const type of ["open", "error", "message", "cursor", "gap"]) stream.addEventListener(type, report);
            </script>
            """
        self.server.answer { request in
            request.method == "GET" ? .init(headers: ["Content-Type": "text/html; charset=utf-8"], body: page) : .init(204)
        }
    }
}
