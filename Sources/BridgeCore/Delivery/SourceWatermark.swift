import Synchronization

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
        // An event that waits where it was not waiting before (a dead letter) never takes back what was said.
        let safe = max(self.safe, self.acknowledge.safe(appended: self.appended, visible: visible, floor: floor))
        defer {
            self.safe = safe
            self.isPaused = isPaused
        }
        return safe != self.safe || isPaused != self.isPaused
    }
}

/// The watermark of one source as it is read without the lock of the log.
///
/// A source looks at it several times per turn of its loop, whether or not anything has arrived: taking the lock for that made every other user
/// of the log queue behind sources that had nothing to append. Written under the lock after each command that changes the watermark; read from
/// any thread.
final class SourceMark: Sendable {
    private static let paused: UInt8 = 1
    private static let stopping: UInt8 = 2

    private let appendedPosition = Atomic<UInt64>(0)
    private let safePosition = Atomic<UInt64>(0)
    private let flags = Atomic<UInt8>(0)

    init(_ watermark: SourceWatermark) {
        self.follow(watermark)
    }

    /// Takes over a watermark; called under the lock of the log.
    func follow(_ watermark: SourceWatermark) {
        self.appendedPosition.store(watermark.appended.rawValue, ordering: .releasing)
        self.safePosition.store(watermark.safe.rawValue, ordering: .releasing)
        let flags = (watermark.isPaused ? Self.paused : 0) | (watermark.isStopping ? Self.stopping : 0)
        self.flags.store(flags, ordering: .releasing)
    }

    /// The position of the last event that the source itself appended; a dead letter that is replayed as new does not move it.
    var appended: Position { Position(self.appendedPosition.load(ordering: .acquiring)) }

    /// See ``SourceWatermark/safe``.
    var safe: Position { Position(self.safePosition.load(ordering: .acquiring)) }

    /// See ``SourceWatermark/isPaused``.
    var isPaused: Bool { self.flags.load(ordering: .acquiring) & Self.paused != 0 }

    /// See ``SourceWatermark/isStopping``.
    var isStopping: Bool { self.flags.load(ordering: .acquiring) & Self.stopping != 0 }

    /// What a source is answered whose batch appends nothing.
    var receipt: SourceOutlet.Receipt {
        SourceOutlet.Receipt(demand: self.isPaused ? .pause : .more, position: self.appended)
    }
}
