import BridgeCore
import NIOCore
import Synchronization

extension RedisStreamSource {
    /// Reports that entries were trimmed before the group had delivered them.
    ///
    /// - Parameter whenUncertain: also reports where the server does not count what groups have read (before Redis 7,
    ///   or after XGROUP SETID).
    func reportTrimmed(
        _ group: String, _ connection: RedisConnection, _ outlet: SourceOutlet, whenUncertain: Bool
    ) async throws {
        let stream = self.configuration.stream
        var commands = ByteBuffer()
        // The stream first, so that entries read by others before the group's state is read are not reported as a loss.
        RedisCommand.write(["XINFO", "STREAM", stream], to: &commands)
        RedisCommand.write(["XINFO", "GROUPS", stream], to: &commands)
        let replies = try await connection.send(commands, replies: 2)
        for reply in replies {
            // Lost in the meantime: the next read reports it.
            if case .error(let text) = reply, text.hasPrefix("ERR no such key") { return }
            guard !RedisRequirements.isUnavailable(reply) else { return }
            try RedisFailure.check(reply, connection.peer)
        }
        let info = RedisFields(replies[0])
        guard let member = Self.group(group, in: replies[1]), let last = member["last-delivered-id"]?.text,
            let place = RedisStreamID(last), let newest = info["last-generated-id"]?.text, let end = RedisStreamID(newest),
            place < end, self.reportedLoss.withLock({ $0 != last })
        else { return }
        let first = info["first-entry"]?.items?.first?.text
        if let first = first.flatMap({ RedisStreamID($0) }), first <= place { return }
        let isUntouched = place == RedisStreamID("0-0")
        if let read = isUntouched ? 0 : member.integer("entries-read"), let added = info.integer("entries-added"),
            let length = info.integer("length")
        {
            // Read entries are trimmed first.
            guard added &- length > read else { return }
        } else if isUntouched || !whenUncertain {
            return
        }
        self.reportedLoss.withLock { $0 = last }
        outlet.gap(
            .removal,
            "the stream \(stream) was trimmed past what the group \(group) had read: entries after "
                + "\(RedisStreamID.described(last)) and before \(RedisStreamID.described(first ?? newest)) may be lost",
            subject: stream
        )
    }
}
