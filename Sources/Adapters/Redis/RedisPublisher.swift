import BridgeCore
import NIOCore

/// The loop of both Redis sinks: a batch becomes one write of as many commands, confirmed when all are answered.
struct RedisPublisher: Sendable {
    let settings: RedisSettings
    let context: ComponentContext
    /// What a cluster's node must serve; `nil` for any node.
    var key: String?

    /// - Parameter encode: appends exactly one command for a delivery; what it throws refuses the delivery.
    func run(
        _ inlet: SinkInlet, _ encode: @escaping @Sendable (Delivery, EventReader, inout ByteBuffer) throws -> Void
    ) async throws {
        let connection = try await RedisConnection.open(
            self.settings, group: self.context.eventLoopGroup, name: "\(self.context.bridge).\(self.context.name)",
            key: self.key
        )
        inlet.connected()
        try await connection.whileOpen {
            while true {
                let batch = try await inlet.next(atMost: 512)
                guard !batch.isEmpty else { return }
                let (commands, sent) = self.encoded(batch, inlet, encode)
                guard !sent.isEmpty else { continue }
                let replies = try await connection.send(commands, replies: sent.count)
                try self.settle(sent, replies, inlet, peer: connection.peer)
            }
        }
    }

    private func encoded(
        _ batch: [Delivery], _ inlet: SinkInlet, _ encode: (Delivery, EventReader, inout ByteBuffer) throws -> Void
    ) -> (ByteBuffer, [Delivery]) {
        let reader = EventReader()
        var commands = ByteBuffer()
        var sent: [Delivery] = []
        sent.reserveCapacity(batch.count)
        for delivery in batch {
            var command = commands
            let length = commands.readableBytes
            do {
                commands = ByteBuffer()
                try encode(delivery, reader, &command)
                commands = command
                sent.append(delivery)
            } catch {
                commands = command.getSlice(at: command.readerIndex, length: length) ?? ByteBuffer()
                inlet.refuse(delivery, "the message cannot be made: \(error)")
            }
        }
        return (commands, sent)
    }

    private func settle(_ sent: [Delivery], _ replies: [RedisReply], _ inlet: SinkInlet, peer: String) throws {
        var answered: Delivery?
        defer { if let answered { inlet.confirm(through: answered) } }
        for (delivery, reply) in zip(sent, replies) {
            if case .error(let text) = reply {
                if let error = RedisFailure.connection(text, peer) { throw error }
                inlet.refuse(delivery, "\(peer) answers: \(text)")
            }
            answered = delivery
        }
    }
}
