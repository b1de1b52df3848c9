import BridgeCore
import Synchronization

extension RedisStreamSource {
    /// Reads without a group, from the source's own cursor.
    func readAll(
        _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = self.sent.withLock { $0 } ?? self.keptPlace ?? self.configuration.start
        if from == "$" {
            // Converted to a fixed id, so that nothing between two reads, connections or runs of the program is missed.
            let last = try await connection.command("XREVRANGE", self.configuration.stream, "+", "-", "COUNT", "1")
            try RedisFailure.check(last, connection.peer)
            from = RedisStreamEntry.entries(last).first?.id ?? "0-0"
            try self.keepPlace(from)
            self.sent.withLock { [from] in $0 = from }
        }
        outlet.connected()
        self.recovery.passed(.connected, at: connection.peer)
        // At the end of the stream only read entries can be trimmed; before it, unread ones can.
        var isBehind = true
        var count = TrimWatch()
        var pacing = RedisReadPacing(block: self.configuration.block)
        while !outlet.isStopping {
            if isBehind { from = try await self.skipTrimmed(after: from, &count, connection, outlet) }
            let start = ContinuousClock.now
            let reply = try await connection.command(
                "XREAD", "COUNT", String(self.batch), "BLOCK", String(self.configuration.block.milliseconds),
                "STREAMS", self.configuration.stream, from
            )
            try RedisFailure.check(reply, connection.peer)
            let entries = try Self.entries(reply, to: "XREAD", connection.peer)
            self.recovery.passed(.working, at: connection.peer)
            try await self.wait(pacing.answered(isEmpty: entries.isEmpty, after: .now - start), connection.peer)
            defer { self.readWasAnswered() }
            // No entry within a whole block: the stream may have been recreated, with ids that begin before the cursor.
            isBehind = entries.isEmpty || entries.count >= self.batch
            guard let last = entries.last else { continue }
            try Self.checkProgress(of: "XREAD", from: from, to: last.id, connection.peer)
            if try await self.send(entries, connection, outlet, done, isNew: true) { isBehind = true }
            from = last.id
            // A counter of the server, which wraps around and which XSETID can set.
            if let added = count.added { count.added = added &+ entries.count }
            self.sent.withLock { [from] in $0 = from }
        }
    }

    /// Reports that entries after the cursor were trimmed, or that the stream was recreated.
    ///
    /// - Returns: where to continue.
    private func skipTrimmed(
        after cursor: String, _ watch: inout TrimWatch, _ connection: RedisConnection, _ outlet: SourceOutlet
    ) async throws -> String {
        let stream = self.configuration.stream
        guard let place = RedisStreamID(cursor), cursor != "0", cursor != "0-0" else { return cursor }
        let reply = try await connection.command("XINFO", "STREAM", stream)
        // The stream does not exist yet.
        if case .error(let text) = reply, text.hasPrefix("ERR no such key") { return cursor }
        // Trimming then cannot be detected.
        guard !RedisRequirements.isUnavailable(reply) else { return cursor }
        try RedisFailure.check(reply, connection.peer)
        let info = RedisFields(reply)
        guard let last = info["last-generated-id"]?.text, let end = RedisStreamID(last) else { return cursor }
        guard place <= end else {
            outlet.gap(
                .replacement,
                "the stream \(stream) was created again at \(connection.peer) and is read from its start; "
                    + "its entries after \(RedisStreamID.described(cursor)) are lost",
                subject: stream
            )
            self.pending.withLock { $0.forget() }
            self.sent.withLock { $0 = "0-0" }
            return "0-0"
        }
        guard place < end else {
            watch.added = info.integer("entries-added")
            return cursor
        }
        guard watch.reported != cursor else { return cursor }
        // The entry of the cursor or an earlier one is the first that is left: nothing after it was trimmed.
        let first = info["first-entry"]?.items?.first?.text
        if let first = first.flatMap({ RedisStreamID($0) }), first <= place { return cursor }
        // Read entries are trimmed first.
        if let read = watch.added, let added = info.integer("entries-added"), let length = info.integer("length"),
            added &- length <= read
        {
            return cursor
        }
        watch = TrimWatch(reported: cursor)
        outlet.gap(
            .removal,
            "the stream \(stream) was trimmed past what was read: entries after \(RedisStreamID.described(cursor)) and before "
                + "\(RedisStreamID.described(first ?? last)) may be lost",
            subject: stream
        )
        return cursor
    }

    /// The state that shows whether trimmed entries had been read.
    private struct TrimWatch {
        /// The cursor of the last reported loss.
        var reported: String?
        /// How many entries the stream had received up to the cursor, if known (Redis 7).
        var added: Int?
    }
}
