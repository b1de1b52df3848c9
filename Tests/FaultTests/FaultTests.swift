import BridgeTesting
import Glibc
import Synchronization
import Testing

/// The program between real brokers, killed, cut, frozen and starved at random points: nothing is lost.
///
/// A printed seed, passed with one round, makes the same plan again: see ``FaultSettings`` and `deploy/faults`.
@Suite(.serialized, .timeLimit(.minutes(FaultSettings.rounds > 2 ? 300 : 3)))
struct FaultTests {
    private static let table = Mutex(FaultTable())

    @Test(arguments: FaultSettings.pairs)
    func `nothing is lost when processes, connections or disks fail`(over pair: FaultPair) async throws {
        for note in [SmallDisk.obstacle, WallClock.obstacle].compactMap({ $0 }) { Self.show(note) }
        for number in 0..<FaultSettings.rounds {
            let seed = FaultSettings.firstSeed &+ UInt64(number)
            let log = FaultSettings.log ?? (seed.isMultiple(of: 2) ? .sqlite : .memory)
            let round = FaultRound(pair: pair, log: log, seed: seed)
            do {
                let outcome = try await round.run()
                Self.show(outcome.line)
                Self.note(outcome, seed)
                #expect(outcome.complaints.isEmpty, "\(outcome.line)\n\(outcome.bridgeLog.lastLines(40))")
            } catch {
                Issue.record(error, "\(pair), log \(log.rawValue), seed \(seed), \(round.plan.steps): the round did not end")
            }
        }
    }

    private static func show(_ line: String) {
        print("faults: \(line)")
        fflush(nil)
    }

    private static func note(_ outcome: FaultOutcome, _ seed: UInt64) {
        let text = self.table.withLock { table in
            table.add(outcome)
            return table.markdown
        }
        guard let path = FaultSettings.table else { return }
        self.write(text, to: path)
        if !outcome.complaints.isEmpty {
            self.write(outcome.line + "\n" + outcome.bridgeLog, to: "\(path).\(outcome.pair.name).\(seed).log")
        }
    }

    private static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return self.show("\(path) cannot be written") }
        fputs(text, file)
        fclose(file)
    }
}
