import BridgeTesting
import Synchronization
import Testing

/// Subscribes to `out/#` at QoS 1; the id of a copy is that of its JSON.
final class MQTTCountingReader: CountingReader {
    private static let mark = "end"

    private let port: Int
    /// One for each connection, in order.
    private let peers = Mutex<[MQTTPeer]>([])
    private let events = EventTexts()

    init(port: Int) {
        self.port = port
    }

    var arrivals: [Reconciliation.Arrival] {
        self.texts.filter { $0 != Self.mark }.map { self.events.arrival(of: $0) }
    }

    var gaps: Int { 0 }
    var isListening: Bool { self.peers.withLock { $0.last }.map { $0.ending == nil } ?? false }

    func read() async throws {
        while true {
            try await eventually(within: .seconds(60), "the broker takes the subscription") { await self.isSubscribed() }
            try await eventually(within: .seconds(600), "the connection ends") { !self.isListening }
        }
    }

    func finish() async throws {
        // After everything that the broker has accepted: it keeps the order of a topic.
        try await MQTTPeer.connect(port: self.port).publish(Self.mark, on: "out/all")
        try await eventually("the mark arrives") { self.texts.last == Self.mark }
    }

    private func isSubscribed() async -> Bool {
        // A broker that is away refuses, or goes away again.
        guard let peer = try? await MQTTPeer.connect(port: self.port) else { return false }
        guard (try? await peer.subscribe("out/#")) != nil else { return false }
        self.peers.withLock { $0.append(peer) }
        return true
    }

    private var texts: [String] { self.peers.withLock { $0 }.flatMap { $0.messages.map(\.text) } }
}
