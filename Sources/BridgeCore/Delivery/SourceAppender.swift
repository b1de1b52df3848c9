import Synchronization

/// Puts what a source has received into the log: normalises, routes and appends a batch under the lock of the source's
/// intake.
///
/// Thread-safe. Blocks for as long as the expressions of the routes and of `normalise` take.
final class SourceAppender: Sendable {
    let log: DeliveryLog
    let source: SourceIndex
    /// The source's watermark.
    let mark: SourceMark
    /// Signals a changed watermark, or that the source must end.
    let changed: Signal
    private let intake: Mutex<SourceIntake>
    private let emitsGaps: Bool
    private let metrics: SourceMetrics
    private let gaps = Mutex(GapBurst())
    /// Signals that a loss waits for its report.
    private let gapsWait = Signal()

    init(
        log: DeliveryLog, source: SourceIndex, intake: sending SourceIntake, emitsGaps: Bool, metrics: SourceMetrics
    ) {
        self.log = log
        self.source = source
        let parts = log.parts
        self.mark = parts.marks[source]
        self.changed = parts.sourceSignals[source]
        self.intake = Mutex(intake)
        self.emitsGaps = emitsGaps
        self.metrics = metrics
    }

    /// Waits until a condition on the watermark holds.
    ///
    /// - Throws: `CancellationError`.
    func wait(until condition: (SourceMark) -> Bool) async throws {
        try await self.changed.wait { condition(self.mark) }
    }

    // MARK: A reload

    /// Calls `body` while no appender is between its routes and the log; all of them then route by other rules.
    static func replaceRules(of appenders: ArraySlice<SourceAppender>, by rules: RoutingRules, _ body: () -> Void) {
        guard let first = appenders.first else { return body() }
        first.intake.withLock { intake in
            Self.replaceRules(of: appenders.dropFirst(), by: rules, body)
            intake.follow(rules)
        }
    }

    /// The keys of the latest messages, for the source that replaces this one.
    func takeRepeatKeys() -> RecentSet { self.intake.withLock { $0.repeatKeys } }

    // MARK: Appending

    /// See ``SourceOutlet/send(_:writesThrough:)``.
    func send(_ messages: [ReceivedMessage], writesThrough: Bool) -> SourceOutlet.Receipt {
        // Appended under the intake's lock, so that two threads of one source cannot overtake each other between the
        // steps.
        let receipt = self.intake.withLock { intake in
            let records = intake.records(of: messages)
            return self.append(records, intake, wakesWriter: !writesThrough)
        }
        if writesThrough { self.log.write(for: self.source) }
        return receipt
    }

    /// See ``SourceOutlet/send(_:answer:)``.
    func send(_ message: ReceivedMessage) -> (receipt: SourceOutlet.Receipt, id: String?) {
        self.intake.withLock { intake in
            let records = intake.records(of: [message])
            let receipt = self.append(records, intake)
            return (receipt, intake.lastID)
        }
    }

    /// See ``SourceOutlet/sendAll(_:)``.
    func sendAll(_ messages: [ReceivedMessage]) -> (receipt: SourceOutlet.Receipt, ids: [String?]) {
        self.intake.withLock { intake in
            let records = intake.records(of: messages, asksIDs: true)
            let receipt = self.append(records, intake)
            return (receipt, intake.ids)
        }
    }

    private func append(_ records: [LogRecord], _ intake: SourceIntake, wakesWriter: Bool = true) -> SourceOutlet.Receipt {
        if self.log.taps.isWatched { self.log.taps.accepted(records, from: intake.source) }
        let receipt = self.log.append(
            records, repeated: intake.repeatedSinks, source: self.source, wakesWriter: wakesWriter)
        self.metrics.lost(records, isKept: self.log.keepsDeadLetters)
        return receipt
    }

    /// See ``SourceOutlet/giveUp(_:reason:attempts:)``.
    func giveUp(_ message: ReceivedMessage, reason: String, attempts: Int) -> SourceOutlet.Receipt {
        guard let event = self.intake.withLock({ $0.eventToGiveUp(of: message) }) else {
            return self.log.append([], source: self.source)
        }
        let kept = self.log.keep(event, repeatKey: message.repeatKey, reason: reason, attempts: attempts, source: self.source)
        guard let receipt = kept else {
            return self.gap(SourceLoss(kind: .omission, reason: reason, subject: message.subject, period: nil))
        }
        self.metrics.givenUp(reason)
        return receipt
    }

    // MARK: Losses

    /// See ``SourceOutlet/gap(_:_:subject:during:)``.
    func gap(_ loss: SourceLoss) -> SourceOutlet.Receipt {
        self.metrics.gap()
        switch self.gaps.withLock({ $0.add(loss, now: .now) }) {
        case .report(let report): return self.report(report)
        case .waits(let isFirst):
            if isFirst { self.gapsWait.notify() }
            return self.mark.receipt
        }
    }

    /// Reports waiting losses when they are due.
    ///
    /// - Throws: `CancellationError`, its only end.
    func reportDueGaps() async throws {
        while true {
            try await Task.sleep(until: self.gapsWait.wait { self.gaps.withLock { $0.due } })
            for report in self.gaps.withLock({ $0.takeDue(now: .now) }) { _ = self.report(report) }
        }
    }

    /// Reports the losses that still wait, at the end of the source.
    func reportAllGaps() {
        for report in self.gaps.withLock({ $0.takeAll(now: .now) }) { _ = self.report(report) }
    }

    private func report(_ report: GapReport) -> SourceOutlet.Receipt {
        self.metrics.reported(report)
        guard self.emitsGaps else { return self.log.append([], source: self.source) }
        return self.intake.withLock { self.log.append([$0.record(of: report)], source: self.source) }
    }
}
