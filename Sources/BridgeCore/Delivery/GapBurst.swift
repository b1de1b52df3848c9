/// Decides when the losses of one source are reported: the first of a kind immediately, those that follow it as one.
///
/// A peer can cause a loss with every message; single reports would flood the program's log and push everything else
/// out of the replay buffers. There is at most one report per kind and ``interval``. Each loss is in exactly one
/// report, at most an interval late, provided that the owner calls at ``due`` and at the end.
///
/// An outage is always reported immediately: outages are no more frequent than connections, and the report belongs
/// before the new events.
///
/// A value without a lock, a clock or I/O.
struct GapBurst {
    /// The shortest time between two reports of one kind.
    static let interval = Duration.seconds(1)

    /// The result of adding a loss.
    enum Outcome: Equatable {
        /// It is reported now, alone or with those that waited.
        case report(GapReport)
        /// It waits; the first one that does starts the owner's timer.
        case waits(isFirst: Bool)
    }

    private struct Span {
        var reported: ContinuousClock.Instant
        var waiting: GapReport?
    }

    private var spans: [GapKind: Span] = [:]

    /// Adds a loss.
    mutating func add(_ loss: SourceLoss, now: ContinuousClock.Instant) -> Outcome {
        guard loss.kind != .outage else { return .report(GapReport(loss)) }
        guard var span = self.spans[loss.kind] else {
            self.spans[loss.kind] = Span(reported: now)
            return .report(GapReport(loss))
        }
        let isFirst = self.due == nil
        var report = GapReport(loss)
        if let waiting = span.waiting {
            report = waiting
            report.add(loss)
        }
        guard now < span.reported + Self.interval else {
            self.spans[loss.kind] = Span(reported: now)
            return .report(report)
        }
        span.waiting = report
        self.spans[loss.kind] = span
        return .waits(isFirst: isFirst)
    }

    /// When the next report is due; `nil` while no loss waits.
    var due: ContinuousClock.Instant? {
        self.spans.values.lazy.filter { $0.waiting != nil }.map { $0.reported + Self.interval }.min()
    }

    /// Takes the reports that are due.
    mutating func takeDue(now: ContinuousClock.Instant) -> [GapReport] {
        GapKind.allCases.compactMap { kind in
            guard let span = self.spans[kind], let report = span.waiting, now >= span.reported + Self.interval else { return nil }
            self.spans[kind] = Span(reported: now)
            return report
        }
    }

    /// Takes everything that waits, at the end of the source.
    mutating func takeAll(now: ContinuousClock.Instant) -> [GapReport] {
        GapKind.allCases.compactMap { kind in
            guard let report = self.spans[kind]?.waiting else { return nil }
            self.spans[kind] = Span(reported: now)
            return report
        }
    }
}
