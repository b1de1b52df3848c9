import Logging
import Synchronization

/// Writes changes to the store in groups: each contains everything since the last one.
///
/// Thread-safe. The caller writes the changes of all and waits for the disk; a source with its own thread writes them
/// itself, which saves two thread switches.
final class GroupCommit: Sendable {
    /// How long confirmed positions may wait for other changes.
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

    /// The result of a write.
    struct Outcome {
        /// Nothing before this position is pending.
        var settled: Position
        var wroteEvents: Bool
        var wroteAnything: Bool
        /// Whether the sinks' cursors were included.
        var tookMarks: Bool
    }

    /// Writes pending changes.
    ///
    /// - Parameters:
    ///   - marks: writes the sinks' cursors even before ``linger`` is over.
    ///   - probes: writes an empty group when there are no changes, so that a failing store is noticed early.
    /// - Throws: ``LogError``; the next call writes the same changes first.
    func write(marks: Bool, probes: Bool = false) throws -> Outcome {
        try self.progress.withLock { try self.write(&$0, marks: marks, probes: probes, caller: nil) }
    }

    /// Stores what refers to routes and sinks under the names of another configuration from now on.
    func follow(_ names: RouteNames) {
        self.progress.withLock { $0.targets.follow(names) }
    }

    /// Writes pending changes, unless another thread is writing or the store fails.
    ///
    /// - Parameter caller: the calling source; it is not notified that its events are safe.
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
        for index in group.changes.letters.indices {
            group.changes.letters[index] = progress.targets.stored(group.changes.letters[index])
        }
        try self.commit(group, &progress, caller: caller)
        return outcome
    }

    private func commit(_ group: Group, _ progress: inout Progress, caller: SourceIndex?) throws {
        do {
            if !group.changes.isEmpty || group.isProbe { try self.store.commit(group.changes) }
        } catch {
            progress.refused = group
            if self.health.failed(.writing, "\(error)") {
                self.logger.error("Log write failed; sources paused", metadata: ["error": "\(error)"])
            }
            self.log.setWritesFail(true)
            throw error
        }
        progress.refused = nil
        if self.health.recovered(.writing) { self.logger.notice("Log writes recovered") }
        self.log.committed(group.work, caller: caller)
        if !group.changes.cursors.isEmpty { self.cursors.kept() }
    }

    /// What is written together.
    private struct Group {
        let work: DeliveryLog.Work
        var changes: LogChanges
        /// Whether it is written even when empty.
        var isProbe = false
    }

    /// What the lock guards, including the store.
    private struct Progress {
        var targets: PlanTargets
        var lastMarks = ContinuousClock.now
        /// The group that the store refused.
        var refused: Group?
    }
}
