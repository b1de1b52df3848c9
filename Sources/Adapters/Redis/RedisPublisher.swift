import BridgeCore
import NIOCore

/// The loop of both Redis sinks: a batch becomes one write of as many commands, confirmed when all are answered.
///
/// On the event loop of the connection, from the inlet to the socket.
struct RedisPublisher: Sendable {
    /// Appends exactly one command for a delivery; what it throws refuses the delivery.
    typealias Encoding = @Sendable (Delivery, EventReader, inout ByteBuffer) throws -> Void

    let settings: RedisSettings
    let context: ComponentContext
    /// What a cluster's node must serve; `nil` for any node.
    var key: String?

    /// Publishes until the inlet has ended.
    ///
    /// - Throws: ``ComponentError``, `CancellationError`.
    func run(_ inlet: SinkInlet, _ encode: @escaping Encoding) async throws {
        let connection = try await RedisConnection.open(
            self.settings, group: self.context.eventLoopGroup, name: "\(self.context.bridge).\(self.context.name)",
            key: self.key
        )
        inlet.connected()
        let loop = connection.channel.eventLoop
        let turn = Turn(
            inlet: inlet, connection: connection, encode: encode,
            reader: NIOLoopBoundBox.makeBoxSendingValue(EventReader(), eventLoop: loop)
        )
        try await connection.whileOpen {
            try await InletDrain(inlet, on: loop) { turn.publish($0) }.run()
        }
    }

    private struct Turn: Sendable {
        let inlet: SinkInlet
        let connection: RedisConnection
        let encode: Encoding
        let reader: NIOLoopBoundBox<EventReader>

        /// One batch at a time: one that is sent on to another node must not be overtaken, and one that has failed must not be
        /// confirmed with the next.
        func publish(_ drain: InletDrain) {
            let batch = drain.take(atMost: 512)
            guard !batch.isEmpty else { return }
            let (commands, sent) = self.encoded(batch)
            guard !sent.isEmpty else {
                drain.goOn()
                return
            }
            self.connection.send(commands, replies: sent.count) { answer in
                do {
                    try self.settle(sent, try answer.get())
                } catch {
                    drain.stop(error)
                    return
                }
                self.publish(drain)
            }
        }

        private func encoded(_ batch: [Delivery]) -> (ByteBuffer, [Delivery]) {
            let reader = self.reader.value
            var commands = ByteBuffer()
            var sent: [Delivery] = []
            sent.reserveCapacity(batch.count)
            for delivery in batch {
                let length = commands.writerIndex
                do {
                    try self.encode(delivery, reader, &commands)
                    sent.append(delivery)
                } catch {
                    commands.moveWriterIndex(to: length)
                    self.inlet.refuse(delivery, "the message cannot be made: \(error)")
                }
            }
            return (commands, sent)
        }

        private func settle(_ sent: [Delivery], _ replies: [RedisReply]) throws {
            let peer = self.connection.peer
            var answered: Delivery?
            defer { if let answered { self.inlet.confirm(through: answered) } }
            for (delivery, reply) in zip(sent, replies) {
                if case .error(let text) = reply {
                    if let error = RedisFailure.connection(text, peer) { throw error }
                    self.inlet.refuse(delivery, "\(peer) answers: \(text)")
                }
                answered = delivery
            }
        }
    }
}
