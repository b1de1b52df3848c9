import BridgeTesting
import NIOCore
import Synchronization

/// Adds entries with the message's text and id to the stream `in`, and connects again when the server is gone.
final class RedisCountingPublisher: CountingPublisher {
    let publications = Publications()
    private let port: Int
    private let peer = Mutex<RedisPeer?>(nil)

    init(port: Int) {
        self.port = port
    }

    func send(_ messages: [NumberedMessage]) async -> [NumberedMessage] {
        guard let peer = await self.connected() else { return messages }
        self.publications.sending(messages)
        do {
            try await peer.pipeline(
                messages.map { ["XADD", "in", "*", "data", $0.text, "event-id", $0.id].map { ByteBuffer(string: $0) } }
            )
        } catch {
            self.peer.withLock { $0 = nil }
            return messages
        }
        self.publications.acknowledged(messages)
        return []
    }

    private func connected() async -> RedisPeer? {
        if let peer = self.peer.withLock({ $0 }) { return peer }
        // A server that is away refuses: the caller retries.
        let peer = try? await RedisPeer.connect(port: self.port)
        self.peer.withLock { $0 = peer }
        return peer
    }
}
