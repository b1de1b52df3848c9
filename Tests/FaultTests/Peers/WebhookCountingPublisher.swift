import BridgeTesting
import NIOCore

/// Posts each message with its id as `Idempotency-Key`, keys side by side, and each key's messages one after the other.
final class WebhookCountingPublisher: CountingPublisher {
    let publications = Publications()
    private let port: Int

    init(port: Int) {
        self.port = port
    }

    func send(_ messages: [NumberedMessage]) async -> [NumberedMessage] {
        let taken = await withTaskGroup(of: [NumberedMessage].self) { group in
            for run in Dictionary(grouping: messages, by: \.key).values {
                group.addTask { await self.post(run) }
            }
            return await group.reduce(into: Set()) { $0.formUnion($1) }
        }
        return messages.filter { !taken.contains($0) }
    }

    /// - Returns: those that were answered with success, up to the first that was not.
    private func post(_ run: [NumberedMessage]) async -> [NumberedMessage] {
        for (index, message) in run.enumerated() {
            self.publications.sending([message])
            // A missing answer means a repeat.
            let answer = try? await HTTPRequestPeer.send(
                "POST", "/api/webhooks/in", port: self.port,
                headers: [("Content-Type", "text/plain"), ("Idempotency-Key", message.id)], body: ByteBuffer(string: message.text)
            )
            guard let answer, (200..<300).contains(answer.status) else { return Array(run[..<index]) }
            self.publications.acknowledged([message])
        }
        return run
    }
}
