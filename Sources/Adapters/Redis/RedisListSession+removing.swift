import BridgeCore
import Synchronization

extension RedisListSession {
    /// Removes messages once they are safe; returns when nothing more is taken and everything is removed.
    func removeUntilEnded(_ outlet: SourceOutlet) async throws {
        while let oldest = try await self.oldest() {
            try await outlet.untilSafe(oldest)
            if self.lease.withLock({ $0.isStale(at: .now) }) { try await self.giveSignOfLife() }
            let count = self.state.processing.withLock { $0.beginRemoval(safe: outlet.safe) }
            if count > 0 { try self.checkRemoval(try await self.remover.command("LTRIM", self.key, "0", String(-count - 1))) }
            self.state.processing.withLock { $0.removed() }
            self.state.changed.notify()
        }
    }

    /// - Throws: for any error answer; messages that are certainly not removed are recognised by the next
    ///   session.
    private func checkRemoval(_ reply: RedisReply) throws {
        guard case .error(let text) = reply else { return }
        if RedisRequirements.isUnavailable(reply) || text.hasPrefix("NOPERM") || RedisFailure.connection(text, self.peer) != nil {
            self.state.processing.withLock { $0.removalRefused() }
        }
        throw self.failure(text)
    }

    /// Waits for a message that is taken.
    ///
    /// - Returns: the position that must be safe before the oldest can be removed; `nil` when there will be none.
    private func oldest() async throws -> Position? {
        try await self.state.changed.wait { () -> Position?? in
            // Read before the messages: nothing is taken after it is true.
            let hasEnded = self.hasEnded.load(ordering: .sequentiallyConsistent)
            if let oldest = self.state.processing.withLock({ $0.oldest }) { return .some(oldest) }
            return hasEnded ? .some(nil) : nil
        }
    }
}
