import BridgeTesting
import Synchronization
import Testing

/// Reads `/api/stream/out` as an `EventSource` does: whenever the stream ends it reconnects with the last id that it
/// saw.
final class SSECountingReader: CountingReader {
    private struct State {
        var past: [SSEClientPeer.Event] = []
        var now: SSEClientPeer?
        var last = ""
    }

    private let port: Int
    private let state = Mutex(State())
    private let texts = EventTexts()

    init(port: Int) {
        self.port = port
    }

    private var events: [SSEClientPeer.Event] { self.state.withLock { $0.past + ($0.now?.events ?? []) } }

    var arrivals: [Reconciliation.Arrival] {
        self.events.filter { $0.type == "message" }.map { self.texts.arrival(of: $0.data) }
    }

    var gaps: Int { self.events.count { $0.type == "gap" } }
    var isListening: Bool { self.state.withLock { $0.now }.map { $0.ending == nil } ?? false }

    func read() async throws {
        while true {
            try await eventually(within: .seconds(60), "the stream is offered") { await self.isConnected() }
            try await eventually(within: .seconds(600), "the stream ends") { !self.isListening }
            self.setAside()
        }
    }

    func finish() async throws {
        // The program has written all before it ended; what is on the way is read until the end of the stream.
        try await eventually("the stream ends") { !self.isListening }
    }

    private func isConnected() async -> Bool {
        let last = self.state.withLock { $0.last }
        // Without an id nothing was received yet, not even the cursor.
        let path = "/api/stream/out\(last.isEmpty ? "?since=earliest" : "")"
        let headers = last.isEmpty ? [] : [(name: "Last-Event-ID", value: last)]
        // A program that is away refuses, or goes away again.
        guard let peer = try? await SSEClientPeer.connect(port: self.port, path: path, headers: headers), peer.status == 200
        else {
            return false
        }
        self.state.withLock { $0.now = peer }
        return true
    }

    private func setAside() {
        self.state.withLock { state in
            guard let now = state.now else { return }
            state.past += now.events
            if let id = now.events.last(where: { !$0.id.isEmpty })?.id { state.last = id }
            state.now = nil
        }
    }
}
