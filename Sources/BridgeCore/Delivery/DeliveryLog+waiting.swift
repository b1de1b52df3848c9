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
        var observer: (@Sendable () -> Void)?
        var waiters = ConditionWaiters<SourceWatermark>()
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
        try await ConditionWaiters.wait(until: condition) { body in
            self.state.withLock { state in
                let watermark = state.machine.watermarks[source]
                return body(&state.sourceWaiters[source].waiters, watermark)
            }
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
            wakeUps.sources += self.sourceWaiters[source].waiters.takeMet(self.machine.watermarks[source])
        }
    }
}
