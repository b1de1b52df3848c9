import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Sends the entries that are not in flight, and records them for their acknowledgement.
    ///
    /// Entries that were skipped because an answer was too large in total are read again one by one.
    ///
    /// - Returns: whether the source had to pause and waited.
    @discardableResult
    func send(
        _ entries: [RedisStreamEntry], _ connection: RedisConnection, _ outlet: SourceOutlet,
        _ done: @Sendable (SentBatch) -> Void,
        isNew: Bool
    ) async throws -> Bool {
        var rest = entries[...]
        var hasWaited = false
        if entries.contains(where: { $0.omission?.extent == .shared }) { self.readWasTooLarge() }
        while let next = rest.first {
            if next.omission?.extent == .shared {
                // The server keeps it for the next run.
                guard !outlet.isStopping else { return true }
                rest.removeFirst()
                let entry = try await self.readAlone(next, connection)
                if try await self.sendWhole([entry], outlet, done, isNew: isNew) { hasWaited = true }
            } else {
                let whole = Array(rest.prefix { $0.omission?.extent != .shared })
                rest.removeFirst(whole.count)
                if try await self.sendWhole(whole, outlet, done, isNew: isNew) { hasWaited = true }
            }
        }
        return hasWaited
    }

    private func sendWhole(
        _ entries: [RedisStreamEntry], _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void, isNew: Bool
    ) async throws -> Bool {
        guard !entries.isEmpty else { return false }
        let stream = self.configuration.stream
        let keys = entries.map { $0.repeatKey(stream: stream) }
        let readings = self.pending.withLock { pending in
            zip(entries, keys).map { pending.reading($0, content: $1) }
        }
        var messages: [ReceivedMessage] = []
        var vanished: [String] = []
        var fresh: [(id: String, content: UInt64)] = []
        fresh.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            let reading = readings[index]
            if case .isInFlight(let position) = reading {
                done(SentBatch(position: position, ids: [entry.id], place: isNew ? entry.id : nil))
                continue
            }
            fresh.append((entry.id, keys[index]))
            func marked(_ message: ReceivedMessage) -> ReceivedMessage {
                var message = message
                message.repeatKey = keys[index]
                // Without a group, the last entries before a crash are read again.
                message.mayBeRepeated = self.configuration.group == nil ? self.isCatchingUp() : !isNew
                return message
            }
            switch reading {
            case .isInFlight: break
            case .reportDeleted: vanished.append(entry.id)
            case .giveUpOversized(let omission):
                self.oversized.increment()
                let reason = "the entry \(entry.id) of the stream \(stream) is too large to be read: \(omission.reason)"
                let replacement = entry.replacement(stream: stream, idSuffix: self.idSuffix, reason: reason)
                _ = outlet.giveUp(marked(replacement), reason: reason, attempts: 1)
            case .giveUpExhausted(let count):
                self.exhausted.increment()
                let reason =
                    "the entry \(entry.id) of the stream \(stream) was delivered \(count) times without an acknowledgement"
                guard let message = entry.message(stream: stream, idSuffix: self.idSuffix, deliveries: count) else { break }
                _ = outlet.giveUp(marked(message), reason: reason, attempts: count)
            case .send:
                let count = self.countsDeliveries ? entry.deliveries : nil
                guard let message = entry.message(stream: stream, idSuffix: self.idSuffix, deliveries: count) else { break }
                messages.append(marked(message))
            }
        }
        self.reportVanished(vanished, outlet)
        let receipt = outlet.send(messages)
        if !fresh.isEmpty {
            self.pending.withLock { $0.sent(fresh, at: receipt.position) }
            done(SentBatch(position: receipt.position, ids: fresh.map(\.id), place: isNew ? fresh.last?.id : nil))
        }
        guard case .pause = receipt.demand else { return false }
        try await outlet.untilDemand()
        return true
    }

    /// Entries that were pending and are no longer in the stream: their content is lost.
    func reportVanished(_ ids: [String], _ outlet: SourceOutlet) {
        guard let first = ids.first, let last = ids.last else { return }
        self.vanished.increment(by: ids.count)
        let which =
            ids.count == 1
            ? RedisStreamID.described(first)
            : "\(ids.count) from \(RedisStreamID.described(first)) to \(RedisStreamID.described(last))"
        outlet.gap(
            .removal,
            "entries of the stream \(self.configuration.stream) were deleted before they were acknowledged: \(which)",
            subject: self.configuration.stream
        )
    }

    /// Acknowledges a batch once it is safe.
    func settle(_ batch: SentBatch, _ connection: RedisConnection, _ outlet: SourceOutlet) async throws {
        try await outlet.untilSafe(batch.position)
        let ids = self.pending.withLock { $0.acknowledgement(of: batch.ids, at: batch.position) }
        guard !ids.isEmpty else { return }
        if let group = self.configuration.group {
            var command = ByteBuffer()
            RedisCommand.write(["XACK", self.configuration.stream, group] + ids, to: &command)
            try RedisFailure.check(try await connection.send(command, replies: 1)[0], connection.peer)
        }
        self.pending.withLock { $0.acknowledged(ids, at: batch.position) }
        if let place = batch.place { try self.keepPlace(place) }
    }
}
