import Testing

@testable import BridgeCore

struct AcknowledgePolicyTests {
    private func safe(_ policy: AcknowledgePolicy, appended: UInt64, visible: UInt64, floor: UInt64?) -> UInt64 {
        policy.safe(appended: Position(appended), visible: Position(visible), floor: floor.map { Position($0) }).rawValue
    }

    @Test func `what is received is safe at once`() {
        #expect(self.safe(.received, appended: 9, visible: 4, floor: 2) == 9)
    }

    @Test func `what must be logged is safe once the log holds it, whatever the sinks owe`() {
        #expect(self.safe(.logged, appended: 9, visible: 4, floor: 2) == 4)
        #expect(self.safe(.logged, appended: 9, visible: 12, floor: 2) == 9)
    }

    @Test func `what must be delivered is safe before the oldest event that a sink owes`() {
        #expect(self.safe(.delivered, appended: 9, visible: 12, floor: 5) == 4)
        #expect(self.safe(.delivered, appended: 9, visible: 12, floor: 1) == 0)
        #expect(self.safe(.delivered, appended: 9, visible: 3, floor: 5) == 3)
        #expect(self.safe(.delivered, appended: 9, visible: 12, floor: 20) == 9)
    }

    @Test func `what must be delivered and no sink owes is safe once the log holds it`() {
        #expect(self.safe(.delivered, appended: 9, visible: 12, floor: nil) == 9)
        #expect(self.safe(.delivered, appended: 9, visible: 4, floor: nil) == 4)
    }
}
