import BridgeCore
import Logging
import NIOCore
import Synchronization

extension RedisListSession {
    /// How many messages one write moves at most.
    private static let largestBurst = 128

    /// Takes messages until stopping; a waiting command is cancelled immediately.
    func takeUntilStopping(_ outlet: SourceOutlet, _ recovery: RecoveryLog) async throws {
        do {
            try await self.reader.whileOpen {
                try await race({ try await self.take(outlet, recovery) }, { try await outlet.untilStopping() })
            }
        } catch {
            // The server may end the connection in the meantime; what is taken must still be removed.
            guard outlet.isStopping, !Task.isCancelled else { throw error }
        }
    }

    private func take(_ outlet: SourceOutlet, _ recovery: RecoveryLog) async throws {
        var pacing = RedisReadPacing(block: self.reading.block)
        var burst = 1
        var mayHaveMore = true
        var lastClaim = ContinuousClock.now
        while !outlet.isStopping {
            if ContinuousClock.now - lastClaim >= self.reading.claimAfter / 2 {
                try await self.takeOver(self.reader, isStart: false)
                lastClaim = .now
            }
            let room = try await self.untilRoom()
            let count = min(burst, room)
            if let former = self.former.withLock({ $0.first }) {
                let taken = try await self.move(count, from: former)
                try await self.send(taken, isReturned: former.isOwn, outlet)
                if taken.count < count { try await self.finish(former) }
                burst = min(burst * 2, Self.largestBurst)
                continue
            }
            if mayHaveMore {
                let taken = try await self.move(count, from: nil)
                recovery.passed(.working, at: self.peer)
                try await self.send(taken, isReturned: false, outlet)
                mayHaveMore = !taken.isEmpty
                burst = taken.count < count ? 1 : min(burst * 2, Self.largestBurst)
            } else {
                let start = ContinuousClock.now
                let taken = try await self.moveWaiting()
                try await self.wait(pacing.answered(isEmpty: taken.isEmpty, after: .now - start))
                try await self.send(taken, isReturned: false, outlet)
                mayHaveMore = !taken.isEmpty
            }
        }
    }

    private func untilRoom() async throws -> Int {
        try await self.state.changed.wait {
            let room = self.state.processing.withLock { $0.room }
            return room > 0 ? room : nil
        }
    }

    // MARK: Moving

    /// Moves up to `count` messages without waiting.
    ///
    /// - Parameter former: an earlier processing list; `nil` for the list itself.
    private func move(_ count: Int, from former: Former?) async throws -> [RedisReply] {
        try await self.moved(count) { moves, commands in
            moves.write(
                count, from: former?.key ?? self.keys.list, isFormer: former != nil, to: self.key, in: &commands)
        }
    }

    /// Waits for a message of the list and moves it.
    private func moveWaiting() async throws -> [RedisReply] {
        try await self.moved(1) { moves, commands in
            moves.writeWaiting(self.keys.list, to: self.key, for: self.reading.block, in: &commands)
        }
    }

    /// Sends moving commands; those of an older server if it does not know the others.
    ///
    /// - Returns: the values, in the order of the processing list from its right end.
    private func moved(
        _ count: Int, _ write: (RedisListMoves, inout ByteBuffer) -> Void
    ) async throws -> [RedisReply] {
        let moves = self.moves.withLock { $0 }
        var commands = ByteBuffer()
        write(moves, &commands)
        let replies = try await self.reader.send(commands, replies: count)
        if moves.hasMove, let first = replies.first, RedisRequirements.isUnavailable(first) {
            try self.useOldCommands(first)
            return try await self.moved(count, write)
        }
        var taken: [RedisReply] = []
        for reply in replies {
            switch reply {
            case .bulk: taken.append(reply)
            case .null: break
            case .error(let text):
                if RedisOmission(text) != nil {
                    taken.append(reply)
                } else if !text.hasPrefix("UNBLOCKED") {
                    // What the other commands have moved is taken over by the next session.
                    if text.hasPrefix("WRONGTYPE") { try await self.checkType(self.reader) }
                    throw self.failure(text)
                }
            case .status, .integer, .array:
                throw ComponentError(
                    .protocolViolation,
                    "\(self.peer) answers a command for the list \(self.keys.list) with something other than a value; connect to a Redis server"
                )
            }
        }
        return try await self.readingOmitted(taken)
    }

    private func useOldCommands(_ reply: RedisReply) throws {
        let isPossible = self.moves.withLock { moves in
            moves.hasMove = false
            return moves.isPossible
        }
        guard !isPossible, case .error(let text) = reply else { return }
        throw ComponentError(
            .rejected, "\(self.peer) answers: \(text); take_from: left needs LMOVE and BLMOVE (Redis 6.2 or later)")
    }

    /// Reads values that were skipped because all were too large together.
    ///
    /// Only this connection adds to the left of the processing list, so their indexes are known.
    private func readingOmitted(_ taken: [RedisReply]) async throws -> [RedisReply] {
        var whole = taken
        for (index, reply) in taken.enumerated() {
            guard let omission = RedisOmission(reply), omission.extent == .shared else { continue }
            let found = try await self.reader.command("LINDEX", self.key, String(taken.count - 1 - index))
            if RedisOmission(found) == nil { try self.check(found) }
            guard found != .null else { throw self.takenOver }
            whole[index] = found
        }
        return whole
    }

    // MARK: Sending

    private func send(_ taken: [RedisReply], isReturned: Bool, _ outlet: SourceOutlet) async throws {
        guard !taken.isEmpty else { return }
        let contents = taken.map(Self.content)
        let known = self.state.processing.withLock { processing in
            contents.map { processing.taken($0, isReturned: isReturned) }
        }
        var messages: [ReceivedMessage] = []
        var receipt: SourceOutlet.Receipt?
        for (reply, position) in zip(taken, known) where position == nil {
            if let omission = RedisOmission(reply) {
                receipt = outlet.send(messages)
                messages = []
                self.reading.oversized.increment()
                let reason = "a message of the list \(self.keys.list) is too large to be read: \(omission.reason)"
                let replacement = ReceivedMessage(subject: self.keys.list, body: ByteBuffer(string: reason))
                receipt = outlet.giveUp(replacement, reason: reason, attempts: 1)
            } else {
                messages.append(RedisSource.message(subject: self.keys.list, body: reply.bytes ?? ByteBuffer()))
            }
        }
        if receipt == nil || !messages.isEmpty { receipt = outlet.send(messages) }
        guard let receipt else { return }
        self.state.processing.withLock { processing in
            processing.add(zip(contents, known).map { ($0, $1 ?? receipt.position) })
        }
        self.state.changed.notify()
        if case .pause = receipt.demand { try await outlet.untilDemand() }
    }

    private static func content(_ reply: RedisReply) -> UInt64 {
        var hash = Fingerprint()
        switch reply {
        case .bulk(let bytes): bytes.withUnsafeReadableBytes { hash.add($0) }
        case .error(let text): hash.add(text)
        case .status, .integer, .array, .null: break
        }
        return hash.value
    }

    /// Waits before the next command if the server does not wait, and reports that once.
    private func wait(_ step: RedisReadPacing.Step) async throws {
        if step.reports {
            self.logger.warning(
                "Server ignores the time-out of BLMOVE; list is polled instead",
                metadata: [
                    "peer": "\(self.peer)", "list": "\(self.keys.list)",
                    "remedy": "connect to Redis directly, or use a proxy that supports blocking commands",
                ]
            )
        }
        if step.wait > .zero { try await Task.sleep(for: step.wait) }
    }
}
