import BridgeTesting
import Synchronization

/// Publishes at QoS 1 under a topic per key, as JSON with an id, and connects again when the broker is gone.
final class MQTTCountingPublisher: CountingPublisher {
    let publications = Publications()
    private let port: Int
    private let peer = Mutex<MQTTPeer?>(nil)

    init(port: Int) {
        self.port = port
    }

    func send(_ messages: [NumberedMessage]) async -> [NumberedMessage] {
        guard let peer = await self.connected() else { return messages }
        // Runs of one key in one go: a topic at a time keeps the order.
        var rest = messages[...]
        while let key = rest.first?.key {
            let run = Array(rest.prefix { $0.key == key })
            self.publications.sending(run)
            do {
                try await peer.publish(run.map(\.json), on: "in/\(key)")
            } catch {
                self.peer.withLock { $0 = nil }
                return Array(rest)
            }
            self.publications.acknowledged(run)
            rest = rest.dropFirst(run.count)
        }
        return []
    }

    private func connected() async -> MQTTPeer? {
        if let peer = self.peer.withLock({ $0 }), peer.ending == nil { return peer }
        // A broker that is away refuses: the caller retries.
        let peer = try? await MQTTPeer.connect(port: self.port)
        self.peer.withLock { $0 = peer }
        return peer
    }
}
