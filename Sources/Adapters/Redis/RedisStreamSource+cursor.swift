import BridgeCore
import Synchronization

extension RedisStreamSource {
    /// Reads without a group, from a cursor of its own.
    func readAll(
        _ connection: RedisConnection, _ outlet: SourceOutlet, _ done: @Sendable (SentBatch) -> Void
    ) async throws {
        var from = self.sent.withLock { $0 } ?? self.keptPlace ?? self.configuration.start
        if from == "$" {
            // Made a fixed place, so that nothing between two reads, two connections or two runs of the program is missed.
            let last = try await connection.command("XREVRANGE", self.configuration.stream, "+", "-", "COUNT", "1")
            try RedisFailure.check(last, connection.peer)
            from = RedisStreamEntry.entries(last).first?.id ?? "0-0"
            try self.keepPlace(from)
            self.sent.withLock { [from] in $0 = from }
        }
        outlet.connected()
        // At the stream's end nothing can be trimmed that was not read; behind it, anything can.
        var isBehind = true
        var count = TrimWatch()
        while !outlet.isStopping {
            if isBehind { from = try await self.skipTrimmed(after: from, &count, connection, outlet) }
            let reply = try await connection.command(
                "XREAD", "COUNT", String(self.batch), "BLOCK", String(self.configuration.block.milliseconds),
                "STREAMS", self.configuration.stream, from
            )
            try RedisFailure.check(reply, connection.peer)
            let entries = RedisStreamEntry.entries(Self.only(reply))
            defer { self.readWasAnswered() }
            // None within a whole block: the stream may have been made anew, with ids that begin before the cursor.
            isBehind = entries.isEmpty || entries.count >= self.batch
            guard let last = entries.last else { continue }
            if try await self.send(entries, connection, outlet, done, isNew: true) { isBehind = true }
            from = last.id
            // A counter of the server, which wraps around; XSETID sets it to anything.
            if let added = count.added { count.added = added &+ entries.count }
            self.sent.withLock { [from] in $0 = from }
        }
    }

    /// Tells when entries after the cursor were trimmed, or the stream was made anew.
    ///
    /// - Returns: where to read on.
    private func skipTrimmed(
        after cursor: String, _ watch: inout TrimWatch, _ connection: RedisConnection, _ outlet: SourceOutlet
    ) async throws -> String {
        let stream = self.configuration.stream
        guard let place = RedisStreamID(cursor), cursor != "0", cursor != "0-0" else { return cursor }
        let reply = try await connection.command("XINFO", "STREAM", stream)
        // A stream that is not there yet.
        if case .error(let text) = reply, text.hasPrefix("ERR no such key") { return cursor }
        // Then trimming cannot be noticed.
        guard !RedisRequirements.isUnavailable(reply) else { return cursor }
        try RedisFailure.check(reply, connection.peer)
        let info = RedisFields(reply)
        guard let last = info["last-generated-id"]?.text, let end = RedisStreamID(last) else { return cursor }
        guard place <= end else {
            outlet.gap(
                "the stream \(stream) was made anew by \(connection.peer) and is read from its start; "
                    + "what it had after \(RedisStreamID.described(cursor)) is lost",
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
        guard watch.told != cursor else { return cursor }
        // The entry of the cursor is the first one left, or an earlier one is: nothing after it was trimmed.
        let first = info["first-entry"]?.items?.first?.text
        if let first = first.flatMap({ RedisStreamID($0) }), first <= place { return cursor }
        // What was read is trimmed first.
        if let read = watch.added, let added = info.integer("entries-added"), let length = info.integer("length"),
            added &- length <= read
        {
            return cursor
        }
        watch = TrimWatch(told: cursor)
        outlet.gap(
            "the stream \(stream) was trimmed past what was read: entries after \(RedisStreamID.described(cursor)) and before "
                + "\(RedisStreamID.described(first ?? last)) may be lost",
            subject: stream
        )
        return cursor
    }

    /// What tells whether trimmed entries had been read.
    private struct TrimWatch {
        /// The cursor after which a loss was told.
        var told: String?
        /// How many entries the stream had got up to the cursor, where that is known (Redis 7).
        var added: Int?
    }
}
