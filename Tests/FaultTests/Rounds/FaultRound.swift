import BridgeTesting
import Glibc
import Testing

/// One round: the program between two peers, messages, faults at the moments of a plan, and the reckoning.
struct FaultRound: Sendable {
    let pair: FaultPair
    let log: FaultPair.Log
    let seed: UInt64
    let plan: FaultPlan

    init(pair: FaultPair, log: FaultPair.Log, seed: UInt64) {
        self.pair = pair
        self.log = log
        self.seed = seed
        self.plan = FaultPlan(seed: seed, faults: pair.faults(log))
    }

    /// Runs it from an empty state.
    ///
    /// - Throws: ``UnfinishedRound``, unless nothing could be started.
    func run() async throws -> FaultOutcome {
        let start = ContinuousClock.now
        let stage = try await FaultStage.prepared(for: self)
        try await stage.start()
        do {
            return try await self.run(on: stage, since: start)
        } catch {
            throw UnfinishedRound(cause: error, bridgeLog: stage.bridge.log)
        }
    }

    private func run(on stage: FaultStage, since start: ContinuousClock.Instant) async throws -> FaultOutcome {
        let (publisher, reader) = (stage.publisher, stage.reader)
        let reading = Task { try await reader.read() }
        // Not awaited: it ends when it is cancelled, and its messages are checked anyway.
        defer { reading.cancel() }
        try await eventually("the reader listens") { reader.isListening }
        async let publishing: Void = self.publish(with: publisher, to: reader)
        for step in self.plan.steps {
            await self.moment(of: step, publisher, reader)
            try await stage.meet(step) { await self.end(of: step, reader) }
        }
        try await publishing
        // What has not arrived by then is not lost by impatience: everything is up again.
        _ = await holds(within: .seconds(30)) { reader.count >= self.plan.messages.count }
        let ending = try await stage.stop()
        try await reader.finish()
        return FaultOutcome(
            round: self, publications: publisher.publications, arrivals: reader.arrivals, gaps: reader.gaps, ending: ending,
            bridgeLog: stage.bridge.log, time: .now - start
        )
    }

    /// Publishes everything, no further ahead of the reader than the plan says.
    private func publish(with publisher: any CountingPublisher, to reader: any CountingReader) async throws {
        var rest = self.plan.messages[...]
        var turn = 0
        while !rest.isEmpty {
            let batch = Array(rest.prefix(self.plan.batches[turn % self.plan.batches.count]))
            // A message that never arrives must not delay the others.
            _ = await holds(within: .seconds(10)) { publisher.publications.count - reader.count < self.plan.lead }
            try await publisher.publish(batch)
            rest = rest.dropFirst(batch.count)
            turn += 1
        }
    }

    private func moment(of step: FaultPlan.Step, _ publisher: any CountingPublisher, _ reader: any CountingReader) async {
        _ = await holds(within: .seconds(10)) {
            switch step.moment {
            case .published(let count): publisher.publications.count >= count
            case .received(let count): reader.count >= count
            }
        }
    }

    private func end(of step: FaultPlan.Step, _ reader: any CountingReader) async {
        let before = reader.count
        _ = await holds(within: step.limit) { reader.count >= before + step.length }
    }
}
