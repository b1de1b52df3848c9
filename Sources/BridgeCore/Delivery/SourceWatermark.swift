/// How far one source's events are safe, and whether it may read on.
///
/// A value without a lock; ``DeliveryLog`` owns it.
struct SourceWatermark {
    let acknowledge: AcknowledgePolicy
    /// The place of the last event that this source appended.
    private(set) var appended = Position.start
    /// By sink: the place of the last event of this source that it was given.
    private(set) var given: ComponentTable<SinkIndex, Position>
    private(set) var safe = Position.start
    private(set) var isPaused = false
    var isStopping = false
    /// See ``SourceOutlet/onChange(_:)``.
    var observer: (@Sendable () -> Void)?

    init(acknowledge: AcknowledgePolicy, sinks: Int) {
        self.acknowledge = acknowledge
        self.given = ComponentTable(Array(repeating: .start, count: sinks))
    }

    /// Begins where an earlier run has left it: what sinks still owe may all be this source's.
    mutating func resume(at head: Position, owed: [Bool]) {
        self.appended = head
        for (sink, owes) in owed.enumerated() where owes { self.given[SinkIndex(sink)] = head }
    }

    mutating func append(at position: Position) {
        self.appended = position
    }

    /// A sink was given an event of this source, itself or as a dead letter.
    mutating func give(_ position: Position, to sink: SinkIndex) {
        self.given[sink] = max(self.given[sink], position)
    }

    /// Whether a sink still owes an event of this source.
    ///
    /// A sink whose ``SinkCursor/floor`` is behind the last one given may owe an older event of another source instead: then the
    /// answer is yes too early, never no too late.
    func isOwed(by cursor: SinkCursor, floor: Position?) -> Bool {
        guard let floor else { return false }
        return self.given[cursor.sink] >= floor
    }

    /// Follows the cursors.
    ///
    /// - Parameters:
    ///   - floors: ``SinkCursor/floor`` by sink.
    ///   - visible: everything up to it is in the log for good.
    ///   - isLogFull: the log as a whole is over its bounds.
    /// - Returns: whether ``safe`` or ``isPaused`` changed.
    mutating func update(_ cursors: [SinkCursor], floors: [Position?], visible: Position, isLogFull: Bool) -> Bool {
        var safe = self.acknowledge == .received ? self.appended : min(self.appended, visible)
        var isPaused = isLogFull
        for (cursor, floor) in zip(cursors, floors) where self.isOwed(by: cursor, floor: floor) {
            if self.acknowledge == .delivered, let floor { safe = min(safe, floor.previous) }
            if cursor.isFull, cursor.settings.onFull == .block { isPaused = true }
        }
        // An event that waits where it was not waiting before (a dead letter) never takes back what was said.
        safe = max(safe, self.safe)
        defer {
            self.safe = safe
            self.isPaused = isPaused
        }
        return safe != self.safe || isPaused != self.isPaused
    }
}
