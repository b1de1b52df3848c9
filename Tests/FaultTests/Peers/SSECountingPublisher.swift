import BridgeTesting

/// Publishes on a stream that keeps everything and replays it after `Last-Event-ID`: nothing is ever repeated by hand.
final class SSECountingPublisher: CountingPublisher {
    /// Published before the first message, so that a reader without a position can name one.
    static let start = "start"

    let publications = Publications()
    private let server: SSEServerPeer

    init(server: SSEServerPeer) {
        self.server = server
        server.publish([.init(id: Self.start, type: "start", "")])
    }

    func send(_ messages: [NumberedMessage]) async -> [NumberedMessage] {
        self.publications.sending(messages)
        self.server.publish(messages.map { .init(id: $0.id, data: $0.json) })
        self.publications.acknowledged(messages)
        return []
    }
}
