import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Sends the entries that are not in flight, and records them for their acknowledgement.
    ///
    /// Entries that were left out of an answer because it was too large in all are read again, one by one.
    ///
    /// - Returns: whether the source was told to pause and has waited.
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
                // The server has it for the next run.
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
        var fresh: [(entry: RedisStreamEntry, key: UInt64)] = []
        for entry in entries {
            let key = entry.repeatKey(stream: stream)
            // One that is deleted by now was read before.
            if let held = self.inFlight.withLock({ $0[entry.id] }), entry.fields == nil || held.content == key {
                done(SentBatch(position: held.position, ids: [entry.id], place: isNew ? entry.id : nil))
            } else {
                fresh.append((entry, key))
            }
        }
        var messages: [ReceivedMessage] = []
        var vanished: [String] = []
        for (entry, key) in fresh {
            let count = self.countsDeliveries ? entry.deliveries : nil
            guard var message = entry.message(stream: stream, idSuffix: self.idSuffix, deliveries: count) else {
                vanished.append(entry.id)
                continue
            }
            message.repeatKey = key
            // Without a group, what was read last before a crash is read once more.
            message.mayBeRepeated = self.configuration.group == nil ? self.isCatchingUp() : !isNew
            if let omission = entry.omission {
                self.oversized.increment()
                let reason = "the entry \(entry.id) of the stream \(stream) is too large to be read: \(omission.reason)"
                var message = entry.replacement(stream: stream, idSuffix: self.idSuffix, reason: reason)
                message.repeatKey = key
                message.mayBeRepeated = self.configuration.group == nil ? self.isCatchingUp() : !isNew
                _ = outlet.giveUp(message, reason: reason, attempts: 1)
                continue
            }
            if let count, count > self.configuration.maximumDeliveries {
                self.exhausted.increment()
                let reason = "the entry \(entry.id) of the stream \(stream) was handed out \(count) times and is given up"
                _ = outlet.giveUp(message, reason: reason, attempts: count)
            } else {
                messages.append(message)
            }
        }
        self.tellVanished(vanished, outlet)
        let receipt = outlet.send(messages)
        if !fresh.isEmpty {
            self.inFlight.withLock { inFlight in
                for (entry, key) in fresh { inFlight[entry.id] = InFlight(position: receipt.position, content: key) }
            }
            done(SentBatch(position: receipt.position, ids: fresh.map(\.entry.id), place: isNew ? fresh.last?.entry.id : nil))
        }
        guard case .pause = receipt.demand else { return false }
        try await outlet.untilDemand()
        return true
    }

    /// Entries that were pending and are no longer in the stream: their content is lost.
    func tellVanished(_ ids: [String], _ outlet: SourceOutlet) {
        guard let first = ids.first, let last = ids.last else { return }
        self.vanished.increment(by: ids.count)
        let which =
            ids.count == 1
            ? RedisStreamID.described(first)
            : "\(ids.count) from \(RedisStreamID.described(first)) to \(RedisStreamID.described(last))"
        outlet.gap(
            "entries of the stream \(self.configuration.stream) were deleted before they were acknowledged: \(which)",
            subject: self.configuration.stream
        )
    }

    /// Acknowledges a batch once it is safe.
    func settle(_ batch: SentBatch, _ connection: RedisConnection, _ outlet: SourceOutlet) async throws {
        try await outlet.untilSafe(batch.position)
        // The others' ids stand for other entries since: the stream was made anew.
        let ids = self.inFlight.withLock { inFlight in batch.ids.filter { inFlight[$0]?.position == batch.position } }
        guard !ids.isEmpty else { return }
        if let group = self.configuration.group {
            var command = ByteBuffer()
            RedisCommand.write(["XACK", self.configuration.stream, group] + ids, to: &command)
            try RedisFailure.check(try await connection.send(command, replies: 1)[0], connection.peer)
        }
        self.inFlight.withLock { inFlight in
            for id in ids where inFlight[id]?.position == batch.position { inFlight[id] = nil }
        }
        self.takenOver.withLock { $0.subtract(ids) }
        if let place = batch.place { try self.keepPlace(place) }
    }

    /// Forgets what is in hand: a stream or group that was made anew has not handed it out.
    func forgetInFlight() {
        self.inFlight.withLock { $0 = [:] }
        self.takenOver.withLock { $0 = [] }
    }
}
