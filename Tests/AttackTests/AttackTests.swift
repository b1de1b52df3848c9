import Glibc
import Synchronization
import Testing

/// The running program under attack: it survives, stays responsive and small, and honest events still flow.
///
/// `deploy/attack` runs the same checks with more input and prints a table.
@Suite(.serialized, .timeLimit(.minutes(AttackSettings.scale > 1 ? 30 : 3)))
struct AttackTests {
    private static let table = Mutex(AttackTable())

    @Test(arguments: SecurityCheck.selected.filter { check in AttackSettings.only.map { check.name.contains($0) } ?? true })
    func `the program withstands`(_ check: SecurityCheck) async throws {
        let stage = AttackStage()
        do {
            try await check.attack(stage)
        } catch {
            stage.complain("the attack stopped: \(error)")
        }
        let outcome = await stage.finish()
        Self.record(check.name, outcome)
        #expect(outcome.complaints.isEmpty, "\(check.name)\n\(outcome.log)")
    }

    private static func record(_ name: String, _ outcome: AttackOutcome) {
        print("attack: \(name): \(outcome.verdict); \(outcome.figures)")
        fflush(nil)
        let text = self.table.withLock { table in
            table.add(name, outcome)
            return table.markdown
        }
        guard let path = AttackSettings.table, let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }
}
