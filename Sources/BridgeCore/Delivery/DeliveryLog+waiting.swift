import Synchronization

/// Those who wait for the machine: woken outside the lock.
extension DeliveryLog {
    /// Who waits for a sink's deliveries.
    struct SinkWaiter {
        var continuation: CheckedContinuation<Void, Never>?
        var observer: (@Sendable () -> Void)?

        mutating func takeContinuation() -> CheckedContinuation<Void, Never>? {
            defer { self.continuation = nil }
            return self.continuation
        }
    }

    /// Who waits for a source's watermark.
    struct SourceWaiters {
        /// One of them.
        struct Waiter {
            let id: UInt64
            let condition: @Sendable (SourceWatermark) -> Bool
            let continuation: CheckedContinuation<Void, any Error>
        }

        var observer: (@Sendable () -> Void)?
        var waiters: [Waiter] = []
    }

    /// Who is to be woken once the lock is free.
    struct WakeUps {
        var sinks: [CheckedContinuation<Void, Never>] = []
        var sources: [CheckedContinuation<Void, any Error>] = []
        var observers: [@Sendable () -> Void] = []

        consuming func perform() {
            for continuation in self.sinks { continuation.resume() }
            for continuation in self.sources { continuation.resume() }
            for notify in self.observers { notify() }
        }
    }

    /// Waits until a condition on a source's watermark holds.
    ///
    /// - Throws: `CancellationError`.
    func wait(source: SourceIndex, until condition: @escaping @Sendable (SourceWatermark) -> Bool) async throws {
        let id = self.state.withLock { state in
            state.lastWait += 1
            return state.lastWait
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isMet = self.state.withLock { state in
                    if condition(state.machine.watermarks[source]) || Task.isCancelled { return true }
                    state.sourceWaiters[source].waiters.append(
                        SourceWaiters.Waiter(id: id, condition: condition, continuation: continuation))
                    return false
                }
                if isMet { continuation.resume() }
            }
            try Task.checkCancellation()
        } onCancel: {
            let waiter = self.state.withLock { state in
                let index = state.sourceWaiters[source].waiters.firstIndex { $0.id == id }
                return index.map { state.sourceWaiters[source].waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Waits until ``poll(sink:atMost:)`` finds something or has ended.
    ///
    /// - Throws: `CancellationError`.
    func next(sink: SinkIndex, atMost limit: Int) async throws -> SinkInlet.Poll {
        while true {
            try Task.checkCancellation()
            let found = self.poll(sink: sink, atMost: limit)
            if case .empty = found {} else { return found }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mustWait = self.state.withLock { state in
                        guard !Task.isCancelled, !state.machine.hasWork(sink), !state.machine.hasEnded(sink) else { return false }
                        precondition(state.sinkWaiters[sink].continuation == nil, "a sink has one consumer")
                        state.sinkWaiters[sink].continuation = continuation
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            } onCancel: {
                self.state.withLock { $0.sinkWaiters[sink].takeContinuation() }?.resume()
            }
        }
    }
}

extension DeliveryLog.State {
    /// Finds who waits for what a command has changed.
    mutating func collect(_ effects: DeliveryMachine.Effects, _ wakeUps: inout DeliveryLog.WakeUps) {
        effects.wokenSinks.forEach { sink in
            if let continuation = self.sinkWaiters[sink].takeContinuation() { wakeUps.sinks.append(continuation) }
            if let observer = self.sinkWaiters[sink].observer { wakeUps.observers.append(observer) }
        }
        effects.changedSources.forEach { source in
            if source != effects.caller, let observer = self.sourceWaiters[source].observer { wakeUps.observers.append(observer) }
            guard !self.sourceWaiters[source].waiters.isEmpty else { return }
            let watermark = self.machine.watermarks[source]
            self.sourceWaiters[source].waiters.removeAll { waiter in
                guard waiter.condition(watermark) else { return false }
                wakeUps.sources.append(waiter.continuation)
                return true
            }
        }
    }
}
