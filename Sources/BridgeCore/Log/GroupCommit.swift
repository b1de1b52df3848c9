import Logging
import Synchronization

/// Makes what has happened safe: one group of changes after the other, everything that has come since the last.
///
/// Thread-safe. Whoever calls writes what all have left and waits for the disk; a source that holds its own thread does so for itself, which
/// spares it two changes of threads.
final class GroupCommit: Sendable {
    /// How long what sinks have confirmed may wait for company.
    static let linger = Duration.milliseconds(20)

    private let store: any LogStore
    private let log: DeliveryLog
    private let cursors: LogCursors
    private let health: LogHealth
    private let logger: Logger
    private let progress: Mutex<Progress>

    init(
        store: any LogStore, log: DeliveryLog, cursors: LogCursors, health: LogHealth, targets: PlanTargets, logger: Logger
    ) {
        self.store = store
        self.log = log
        self.cursors = cursors
        self.health = health
        self.logger = logger
        self.progress = Mutex(Progress(targets: targets))
    }

    /// What a write has found.
    struct Outcome {
        /// Everything before it is owed to nobody.
        var settled: Position
        var wroteEvents: Bool
        var wroteAnything: Bool
        /// Also how far the sinks have come.
        var tookMarks: Bool
    }

    /// Writes what there is.
    ///
    /// - Parameters:
    ///   - marks: how far the sinks have come, whether or not they have lingered.
    ///   - probes: asks the store also when there is nothing to write, so that one that refuses is known before it is needed.
    /// - Throws: ``LogError``; the same changes are written first by the next call.
    func write(marks: Bool, probes: Bool = false) throws -> Outcome {
        try self.progress.withLock { try self.write(&$0, marks: marks, probes: probes, caller: nil) }
    }

    /// Writes what there is, unless another thread is writing or the disk refuses: then it is left to the others.
    ///
    /// - Parameter caller: the source that calls, which is not told that its events are safe.
    /// - Returns: whether everything appended before the call is safe.
    func tryWrite(caller: SourceIndex) -> Bool {
        let isWritten = self.progress.withLockIfAvailable { progress in
            guard progress.refused == nil else { return false }
            return (try? self.write(&progress, marks: false, probes: false, caller: caller)) != nil
        }
        return isWritten ?? false
    }

    private func write(_ progress: inout Progress, marks: Bool, probes: Bool, caller: SourceIndex?) throws -> Outcome {
        if let refused = progress.refused { try self.commit(refused, &progress, caller: caller) }
        let takesMarks = marks || .now - progress.lastMarks > Self.linger
        if takesMarks { progress.lastMarks = .now }
        let work = self.log.takeWork(marks: takesMarks)
        var group = Group(work: work, changes: work.changes)
        if takesMarks { group.changes.cursors = self.cursors.takeMoved() }
        let outcome = Outcome(
            settled: work.settled, wroteEvents: !work.records.isEmpty, wroteAnything: !work.isEmpty || !group.changes.isEmpty,
            tookMarks: takesMarks
        )
        guard outcome.wroteAnything || probes else { return outcome }
        group.isProbe = probes
        group.changes.events = progress.targets.stored(work.records)
        group.changes.letters = work.changes.letters.map { progress.targets.stored($0) }
        try self.commit(group, &progress, caller: caller)
        return outcome
    }

    private func commit(_ group: Group, _ progress: inout Progress, caller: SourceIndex?) throws {
        do {
            if !group.changes.isEmpty || group.isProbe { try self.store.commit(group.changes) }
        } catch {
            progress.refused = group
            if self.health.failed(.writing, "\(error)") {
                self.logger.error("Log cannot be written, the sources pause", metadata: ["error": "\(error)"])
            }
            self.log.setDiskFull(true)
            throw error
        }
        progress.refused = nil
        if self.health.recovered(.writing) { self.logger.notice("Log is written again") }
        self.log.committed(group.work, caller: caller)
        if !group.changes.cursors.isEmpty { self.cursors.kept() }
    }

    /// What is written at once.
    private struct Group {
        let work: DeliveryLog.Work
        var changes: LogChanges
        /// Goes to the store though it be empty.
        var isProbe = false
    }

    /// What the lock guards, the store among it.
    private struct Progress {
        var targets: PlanTargets
        var lastMarks = ContinuousClock.now
        /// What the disk did not take.
        var refused: Group?
    }
}
