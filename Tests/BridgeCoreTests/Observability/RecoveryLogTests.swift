import BridgeCore
import BridgeTesting
import Testing

struct RecoveryLogTests {
    private let log = RecordedLog()
    private let recovery: RecoveryLog

    init() {
        self.recovery = RecoveryLog(logger: self.log.logger("test"))
    }

    /// One attempt that passes steps and then fails.
    private func attempt(_ steps: RecoveryLog.Step..., failing error: (any Error)? = nil) async {
        try? await self.recovery.track {
            for step in steps { self.recovery.passed(step, at: "x") }
            if let error { throw error }
        }
    }

    private var lines: Int { self.log.lines("Connected").count }

    @Test func `the first connection logs nothing`() async {
        await self.attempt(.connected, .working)
        #expect(self.log.lines.isEmpty)
    }

    @Test(arguments: [ComponentError.Code.connectionRefused, .connectionLost, .timedOut])
    func `a connection after an outage logs one line, however often it was tried`(code: ComponentError.Code) async {
        await self.attempt(.connected, .working, failing: ComponentError(code, "away"))
        for _ in 0..<3 { await self.attempt(failing: ComponentError(code, "away")) }
        await self.attempt(.connected, .working, .working)
        #expect(self.log.lines.map(\.message) == ["Connected"])
        #expect(self.log.lines.first?.level == "notice")
        #expect(self.log.lines.first?.metadata == ["peer": "x"])
    }

    @Test func `a failure after connecting ends once the component works`() async {
        let full = ComponentError(.inputOutput, "full")
        await self.attempt(.connected, .working, failing: full)
        for _ in 0..<3 { await self.attempt(.connected, failing: full) }
        #expect(self.lines == 0)
        await self.attempt(.connected, .working)
        #expect(self.lines == 1)
    }

    @Test func `a connection does not count as recovery until events succeed again`() async {
        let full = ComponentError(.inputOutput, "full")
        await self.attempt(.connected, failing: full)
        await self.attempt(failing: full)
        await self.attempt(.connected, failing: full)
        #expect(self.lines == 0)
        await self.attempt(.connected, .working)
        #expect(self.lines == 1)
    }

    @Test func `a failure before connecting ends with the connection`() async {
        await self.attempt(failing: ComponentError(.inputOutput, "not there"))
        await self.attempt(.connected)
        #expect(self.lines == 1)
    }

    @Test func `each outage has its line, and a cancellation is not an outage`() async {
        for _ in 0..<2 {
            await self.attempt(.connected, failing: ComponentError(.connectionLost, "away"))
            await self.attempt(.connected, failing: CancellationError())
        }
        await self.attempt(.connected, .working)
        #expect(self.lines == 2)
    }
}
