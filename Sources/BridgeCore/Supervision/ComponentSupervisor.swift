import Logging

/// Keeps one source or sink running: `run`, a back-off, `run` again, until a requested end.
///
/// One task per component. No error of a component ends the program.
struct ComponentSupervisor: Sendable {
    let logger: Logger
    let status: ComponentStatus
    let retry: RetrySettings
    let errors: ErrorCounters
    /// Tests whether an unreachable peer is reachable again; `nil` relies on the next attempt.
    let probe: PortProbe?

    /// Runs a source until its outlet is stopped.
    func run(_ source: any Source, _ outlet: SourceOutlet) async {
        await self.keepRunning(
            of: source, until: { outlet.isStopping }, stopping: { try await outlet.untilStopping() },
            pause: { try await outlet.untilStopping(atMost: $0) },
            attempt: { try await source.run(outlet) }
        )
    }

    /// Runs a sink until its inlet has ended.
    ///
    /// A sink always retries: its backlog would be lost otherwise.
    func run(_ sink: any Sink, _ inlet: SinkInlet) async {
        await self.keepRunning(
            of: sink, until: { inlet.hasEnded }, pause: { try await Task.sleep(for: $0) },
            attempt: {
                defer { inlet.reclaim() }
                try await sink.run(inlet)
            }
        )
    }

    /// - Parameter stopping: waits for the stop of a component that does not retry after a permanent failure; `nil` for
    ///   others.
    private func keepRunning(
        of component: any Component, until isDone: () -> Bool, stopping: (() async throws -> Void)? = nil,
        pause: @escaping @Sendable (Duration) async throws -> Void, attempt: () async throws -> Void
    ) async {
        var log = FailureLog(self.logger)
        var backoff = Backoff(self.retry)
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            var leastWait: Duration?
            var code: ComponentError.Code?
            do {
                try await attempt()
                if isDone() || Task.isCancelled { break }
                _ = self.status.disconnected("exited unexpectedly")
                self.logger.warning("Component exited unexpectedly")
            } catch is CancellationError {
                break
            } catch {
                let failure = error as? ComponentError ?? ComponentError(.inputOutput, "unexpected error", cause: error)
                self.errors.count(failure.code)
                let isFinal = stopping != nil && !failure.isRetryable
                let wasOfUse = self.status.disconnected(
                    failure.description, givenUp: isFinal, isUnauthorized: failure.code == .unauthorized)
                if isFinal {
                    self.logger.error("Component failed permanently", metadata: ["error": "\(failure)"])
                    try? await stopping?()  // ends with a cancellation too, which is no error
                    break
                }
                if isDone() { break }
                if wasOfUse { backoff.reset() }
                leastWait = failure.retryAfter
                code = failure.code
                log.note(failure, isNew: wasOfUse)
            }
            let wait = backoff.next(isOutage: code?.isOutage ?? false, leastWait: leastWait, using: &generator)
            self.errors.retries.increment()
            do {
                // A wait that the peer requested is not shortened.
                if leastWait == nil, let probed = self.probedWait(for: wait, of: component, after: code) {
                    try await probed.run { try await pause(wait) }
                } else {
                    try await pause(wait)
                }
            } catch {
                break
            }
            if isDone() { break }
        }
        _ = self.status.disconnected(nil)
        self.logger.info("Component stopped")
    }

    /// Probes only peers that were unreachable: one that accepts connections and then refuses would end every wait.
    private func probedWait(
        for wait: Duration, of component: any Component, after code: ComponentError.Code?
    ) -> ProbedWait? {
        guard wait > ProbedWait.shortest, code == .connectionRefused, let probe,
            let peers = (component as? any ReachableComponent)?.peers, !peers.isEmpty
        else { return nil }
        return ProbedWait(peers: peers, probe: probe)
    }
}

/// Counts the failures of one component, by code.
struct ErrorCounters: Sendable {
    let metrics: ComponentMetrics
    let retries: Counter

    init(metrics: ComponentMetrics) {
        self.metrics = metrics
        self.retries = metrics.counter("retries", help: "Retries after a failure.")
    }

    func count(_ code: ComponentError.Code) {
        self.metrics.counter("errors", help: "Failures, by code.", [("code", code.description)]).increment()
    }
}
