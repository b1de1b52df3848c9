import BridgeTesting
import Testing

@testable import BridgeCore

/// How long a reload waits for a component that leaves.
@Suite(.timeLimit(.minutes(1)))
struct ComponentLeaveTests {
    private let status = ComponentStatus(
        metrics: ComponentMetrics(component: "in", kind: "test", direction: "source", metrics: Metrics()))

    /// Runs a component that ends only when it is cancelled, and ends it.
    private func leave(_ leave: ComponentLeave, hurry: Eventual<Void>? = nil) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await leave.whileStaying { try await Task.sleep(for: .seconds(600)) }
                leave.end()
            }
            await leave.untilEnded(hurry: hurry)
        }
    }

    @Test func `a connected component is cancelled at the limit`() async {
        self.status.connected()
        await self.leave(ComponentLeave(self.status, limit: .milliseconds(50)))
        #expect(self.status.isConnected)
    }

    @Test func `a hurry cancels a connected component before the limit`() async {
        self.status.connected()
        let hurry = Eventual<Void>()
        hurry.finish()
        await self.leave(ComponentLeave(self.status, limit: .seconds(600)), hurry: hurry)
    }

    @Test func `a component that is not connected is cancelled at once`() async {
        await self.leave(ComponentLeave(self.status, limit: .seconds(600)))
        await self.leave(ComponentLeave(self.status, settlesUnconnected: true, limit: .seconds(600)))
    }

    @Test func `a source that has received messages may settle them before it counts as connected`() async throws {
        self.status.progressed()
        let leave = ComponentLeave(self.status, settlesUnconnected: true, limit: .seconds(600))
        let settled = Eventual<Void>()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let wasCancelled = Eventual<Void>()
                await leave.whileStaying {
                    do { try await settled.value } catch { wasCancelled.finish() }
                }
                leave.end()
                return wasCancelled.result != nil
            }
            leave.leaveWhenDisconnected()
            // Other changes do not cancel it either.
            self.status.signal.notify()
            settled.finish()
            await leave.untilEnded()
            for await wasCancelled in group { #expect(!wasCancelled) }
        }
    }
}
