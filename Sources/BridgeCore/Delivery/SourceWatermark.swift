/// How far one source's events are safe, and whether it may read on.
///
/// A value without a lock; ``DeliveryMachine`` owns it.
struct SourceWatermark {
    let acknowledge: AcknowledgePolicy
    /// The place of the last event that this source appended.
    private(set) var appended = Position.start
    private(set) var safe = Position.start
    private(set) var isPaused = false
    var isStopping = false
    /// What it has appended waits for the disk.
    var isUncommitted = false

    init(acknowledge: AcknowledgePolicy) {
        self.acknowledge = acknowledge
    }

    mutating func append(at position: Position) {
        self.appended = position
    }

    /// Follows the sinks, the disk and the log.
    ///
    /// - Parameters:
    ///   - floor: the least ``SinkCursor/floor`` of the sinks that owe an event of this source; `nil` when none does. A sink may owe an older
    ///     event of another source instead: then the answer is yes too early, never no too late.
    ///   - visible: everything up to it is in the log for good.
    /// - Returns: whether ``safe`` or ``isPaused`` changed.
    mutating func update(floor: Position?, visible: Position, isPaused: Bool) -> Bool {
        var safe = self.acknowledge == .received ? self.appended : min(self.appended, visible)
        if self.acknowledge == .delivered, let floor { safe = min(safe, floor.previous) }
        // An event that waits where it was not waiting before (a dead letter) never takes back what was said.
        safe = max(safe, self.safe)
        defer {
            self.safe = safe
            self.isPaused = isPaused
        }
        return safe != self.safe || isPaused != self.isPaused
    }
}
