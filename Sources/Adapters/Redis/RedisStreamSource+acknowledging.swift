import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Sends what is not under way already, and hands the batch on to be acknowledged.
    func send(
        _ entries: [RedisStreamEntry], _ connection: RedisConnection, _ outlet: SourceOutlet,
        _ done: @Sendable (SentBatch) -> Void,
        isNew: Bool
    ) async throws {
        guard !entries.isEmpty else { return }
        var messages: [ReceivedMessage] = []
        var ids: [String] = []
        for entry in entries {
            if let position = self.inFlight.withLock({ $0[entry.id] }) {
                done(SentBatch(position: position, ids: [entry.id]))
                continue
            }
            ids.append(entry.id)
            var deliveries: Int?
            if !isNew, self.configuration.maximumDeliveries > 0 {
                deliveries = try await self.deliveries(of: entry.id, connection)
                if let deliveries, deliveries > self.configuration.maximumDeliveries {
                    self.exhausted.increment()
                    outlet.gap(
                        "the entry \(entry.id) was handed out \(deliveries) times and is given up",
                        subject: self.configuration.stream
                    )
                    continue
                }
            }
            if let message = entry.message(stream: self.configuration.stream, deliveries: deliveries) { messages.append(message) }
        }
        let receipt = outlet.send(messages)
        if !ids.isEmpty {
            self.inFlight.withLock { inFlight in
                for id in ids { inFlight[id] = receipt.position }
            }
            done(SentBatch(position: receipt.position, ids: ids))
        }
        if case .pause = receipt.demand { try await outlet.untilDemand() }
    }

    func deliveries(of id: String, _ connection: RedisConnection) async throws -> Int? {
        guard let group = self.configuration.group else { return nil }
        let reply = try await connection.command("XPENDING", self.configuration.stream, group, id, id, "1")
        guard case .integer(let count)? = reply.items?.first?.items?.last else { return nil }
        return Int(count)
    }

    /// Acknowledges a batch once it is safe.
    func settle(_ batch: SentBatch, _ connection: RedisConnection, _ outlet: SourceOutlet) async throws {
        try await outlet.untilSafe(batch.position)
        if let group = self.configuration.group {
            var command = ByteBuffer()
            RedisCommand.write(["XACK", self.configuration.stream, group] + batch.ids, to: &command)
            try RedisFailure.check(try await connection.send(command, replies: 1)[0], connection.peer)
        } else if let last = batch.ids.last {
            try self.context.cursors.move(last, of: self.context.name)
        }
        self.inFlight.withLock { inFlight in
            for id in batch.ids { inFlight[id] = nil }
        }
    }
}
