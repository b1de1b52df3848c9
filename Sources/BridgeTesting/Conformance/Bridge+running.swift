import BridgeCore
import Logging

extension Bridge {
    /// Runs the bridge while `body` runs, then stops it in order.
    ///
    /// - Parameter release: called before the stop when `body` throws, so that no held sink delays the stop.
    func whileRunning<Value>(
        drain: Duration, release: () -> Void, _ body: () async throws -> Value
    ) async throws -> (value: Value, stopping: Duration, left: Int) {
        let (stop, continuation) = AsyncStream<Void>.makeStream()
        async let left = self.run(startWithin: .milliseconds(500), drain: drain) { for await _ in stop {} }
        let value: Value
        do {
            value = try await body()
        } catch {
            release()
            continuation.finish()
            _ = await left
            throw error
        }
        let start = ContinuousClock.now
        continuation.finish()
        let undelivered = await left
        return (value, ContinuousClock.now - start, undelivered)
    }
}

extension SinkParts {
    /// The parts of a recording sink, with its own metrics.
    static func recorder(_ sink: RecordingSink, name: String, buffer: Int = 100_000, metrics: Metrics) -> SinkParts {
        SinkParts(
            name: name, sink: sink, delivery: DeliverySettings(events: buffer, retry: .quick),
            metrics: ComponentMetrics(component: name, kind: RecordingSink.kind, direction: "sink", metrics: metrics),
            logger: ConformanceKit.logger(name)
        )
    }
}

extension RetrySettings {
    /// A back-off for tests: 10 to 100 ms, unlimited attempts.
    static var quick: RetrySettings {
        RetrySettings(initial: .milliseconds(10), maximum: .milliseconds(100), attempts: 0)
    }
}
