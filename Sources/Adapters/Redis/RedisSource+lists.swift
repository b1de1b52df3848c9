import BridgeCore
import Logging
import Synchronization

extension RedisSource {
    /// Opens a session for each list, and runs them side by side until stopping: no list waits for another.
    ///
    /// A list with a key of another type, or one that the user may not use, is retried by itself, while others can be read.
    ///
    /// - Throws: `ComponentError` when a connection ends or a command is refused, or no list can be read.
    func takeFromLists(_ outlet: SourceOutlet) async throws {
        self.failingLists.withLock { $0 = [] }
        var sessions: [Result<RedisListSession, RedisListError>] = []
        defer { for case .success(let session) in sessions { session.close() } }
        for index in self.lists.indices {
            let session = try await self.begin(index)
            if case .failure(let error) = session { try self.note(error, index) }
            sessions.append(session)
        }
        outlet.connected()
        if let session = sessions.lazy.compactMap({ try? $0.get() }).first { self.recovery.passed(.connected, at: session.peer) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, session) in sessions.enumerated() {
                group.addTask { try await self.take(index, session, outlet) }
            }
            defer { group.cancelAll() }
            while try await group.next() != nil {}
        }
    }

    /// Takes from one list until stopping, with a new session each time its keys can be used again.
    private func take(_ index: Int, _ first: Result<RedisListSession, RedisListError>, _ outlet: SourceOutlet) async throws {
        var attempt = first
        var backoff = Backoff(RetrySettings())
        var generator = SystemRandomNumberGenerator()
        while true {
            if case .success(let session) = attempt {
                defer { session.close() }
                do {
                    return try await session.run(outlet, self.recovery)
                } catch let error as RedisListError {
                    try self.note(error, index)
                }
            }
            let wait = backoff.next(using: &generator)
            try await race({ try await Task.sleep(for: wait) }, { try await outlet.untilStopping() })
            if outlet.isStopping { return }
            attempt = try await self.begin(index)
            switch attempt {
            case .success:
                backoff.reset()
                self.failingLists.withLock { _ = $0.remove(index) }
                self.context.logger.notice("List can be read again", metadata: ["list": "\(self.lists[index].keys.list)"])
            case .failure(let error): try self.note(error, index)
            }
        }
    }

    private func begin(_ index: Int) async throws -> Result<RedisListSession, RedisListError> {
        let session = try await RedisListSession.open(self.lists[index], self.configuration.redis, self.context)
        do {
            try await session.begin()
            return .success(session)
        } catch let error as RedisListError {
            session.close()
            return .failure(error)
        } catch {
            session.close()
            throw error
        }
    }

    /// Reports a list that cannot be read, once until it can.
    ///
    /// - Throws: the error for the source if no list can be read.
    private func note(_ error: RedisListError, _ index: Int) throws {
        let (isNew, isLast) = self.failingLists.withLock { failing in
            let isNew = failing.insert(index).inserted
            return (isNew, failing.count == self.lists.count)
        }
        guard !isLast else { throw error.error }
        guard isNew else { return }
        self.context.logger.error(
            "List cannot be read; it is retried, and the other lists are read",
            metadata: ["list": "\(self.lists[index].keys.list)", "error": "\(error.error.message)"])
    }
}
