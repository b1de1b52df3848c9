import BridgeTesting
import Synchronization
import Testing

/// Reads the stream `out`; the id of a copy is its field `event-id`, which must be that of its JSON.
final class RedisCountingReader: CountingReader {
    private struct State {
        var arrivals: [Reconciliation.Arrival] = []
        var last = "0-0"
    }

    private let port: Int
    private let state = Mutex(State())

    init(port: Int) {
        self.port = port
    }

    var arrivals: [Reconciliation.Arrival] { self.state.withLock { $0.arrivals } }
    var gaps: Int { 0 }
    /// The server keeps unread entries.
    var isListening: Bool { true }

    func read() async throws {
        while true {
            var peer: RedisPeer?
            // A server that is away refuses, or goes away again.
            try await eventually(within: .seconds(60), "the server answers") {
                peer = try? await RedisPeer.connect(port: self.port)
                return peer != nil
            }
            while let peer, (try? await self.take(from: peer)) != nil { try Task.checkCancellation() }
        }
    }

    func finish() async throws {
        let peer = try await RedisPeer.connect(port: self.port)
        let count = try await peer.command("XLEN", "out").integer
        try await eventually("all entries are read") { self.arrivals.count == count }
    }

    private func take(from peer: RedisPeer) async throws {
        let last = self.state.withLock { $0.last }
        let reply = try await peer.command("XREAD", "BLOCK", "100", "STREAMS", "out", last)
        for entry in reply.items.first?.items.last?.items ?? [] {
            let flat = entry.items.last?.items.compactMap(\.text) ?? []
            let fields = Dictionary(stride(from: 0, to: flat.count - 1, by: 2).map { (flat[$0], flat[$0 + 1]) }) { $1 }
            let event = try? ReceivedEvent.all([fields["event"] ?? ""]).first
            let id = fields["event-id"] ?? ""
            self.state.withLock { state in
                state.last = entry.items.first?.text ?? state.last
                state.arrivals.append(
                    .init(
                        text: event?.message ?? "\(flat)", id: event?.id == id ? id : "\(id), in the JSON \(event?.id ?? "none")")
                )
            }
        }
    }
}
