import BridgeTesting
import Testing

/// That a loss is seen where there must be one, and that the log on disk prevents the very same.
@Suite(.timeLimit(.minutes(1)))
struct LossTests {
    @Test(arguments: [(FaultPair.Log.forgetful, true), (.sqlite, false)])
    func `a kill loses acknowledged events, unless they are on disk`(_ log: FaultPair.Log, isLost: Bool) async throws {
        let stage = try await FaultStage.prepared(for: FaultRound(pair: .webhookToMQTT, log: log, seed: 1))
        try await stage.start()
        let (publisher, reader) = (stage.publisher, stage.reader)
        let reading = Task { try await reader.read() }
        // Not awaited: it ends when it is cancelled, and its messages are checked anyway.
        defer { reading.cancel() }
        try await eventually("the reader listens") { reader.isListening }
        // More than the sink has in flight at once, and the kernel for it.
        let messages = (0..<300).map { NumberedMessage(key: "key\($0 % 4)", number: $0 / 4) }
        try await stage.meet(Self.step(.freezePeer(.sink))) {
            try await publisher.publish(messages)
            try await stage.meet(Self.step(.killBridge)) {}
        }
        #expect(try await stage.stop() == .exited(0))
        try await reader.finish()
        let result = Reconciliation(attempts: publisher.publications.attempts, arrivals: reader.arrivals, faults: 2)
        #expect(result.lost.isEmpty != isLost)
        #expect(result.outOfOrder.isEmpty && result.foreign.isEmpty && result.unexplained.isEmpty)
    }

    private static func step(_ fault: Fault) -> FaultPlan.Step {
        FaultPlan.Step(fault: fault, moment: .published(0), length: 0, limit: .zero)
    }
}
