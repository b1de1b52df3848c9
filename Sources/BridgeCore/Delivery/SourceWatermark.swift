import Synchronization

/// How far one source's events are safe, and whether it may continue to read.
///
/// A value without a lock; ``DeliveryMachine`` owns it.
struct SourceWatermark {
    let acknowledge: AcknowledgePolicy
    /// The position of the last event that this source appended.
    private(set) var appended = Position.start
    private(set) var safe = Position.start
    private(set) var isPaused = false
    var isStopping = false

    init(acknowledge: AcknowledgePolicy) {
        self.acknowledge = acknowledge
    }

    /// The watermark of the source that replaces this one under its name.
    ///
    /// - Parameter visible: everything up to it is committed to the log, which the other policy may require.
    func successor(_ acknowledge: AcknowledgePolicy, visible: Position) -> SourceWatermark {
        var watermark = SourceWatermark(acknowledge: acknowledge)
        watermark.appended = self.appended
        watermark.safe = acknowledge == .received ? self.safe : min(self.safe, visible)
        watermark.isPaused = self.isPaused
        return watermark
    }

    mutating func append(at position: Position) {
        self.appended = position
    }

    /// Updates the watermark from the sinks, the disk and the log.
    ///
    /// - Parameters:
    ///   - floor: the least ``SinkCursor/floor`` of the sinks with pending events of this source; `nil` when there are
    ///     none. A sink's floor may be an older event of another source, which can only delay ``safe``.
    ///   - visible: everything up to it is committed to the log.
    /// - Returns: whether ``safe`` or ``isPaused`` changed.
    mutating func update(floor: Position?, visible: Position, isPaused: Bool) -> Bool {
        // An event that becomes pending later (a dead letter) never moves the watermark back.
        let safe = max(self.safe, self.acknowledge.safe(appended: self.appended, visible: visible, floor: floor))
        defer {
            self.safe = safe
            self.isPaused = isPaused
        }
        return safe != self.safe || isPaused != self.isPaused
    }
}

/// The watermark of one source, readable without the lock of the log.
///
/// A source reads it several times per turn of its loop, whether or not anything has arrived. With the lock, every
/// other user of the log would queue behind idle sources. Written under the lock after each command that changes the
/// watermark; read from any thread.
final class SourceMark: Sendable {
    private static let paused: UInt8 = 1
    private static let stopping: UInt8 = 2

    private let appendedPosition = Atomic<UInt64>(0)
    private let safePosition = Atomic<UInt64>(0)
    private let flags = Atomic<UInt8>(0)

    init(_ watermark: SourceWatermark) {
        self.follow(watermark)
    }

    /// Copies a watermark; called under the lock of the log.
    func follow(_ watermark: SourceWatermark) {
        self.appendedPosition.store(watermark.appended.rawValue, ordering: .releasing)
        self.safePosition.store(watermark.safe.rawValue, ordering: .releasing)
        let flags = (watermark.isPaused ? Self.paused : 0) | (watermark.isStopping ? Self.stopping : 0)
        self.flags.store(flags, ordering: .releasing)
    }

    /// The position of the last event that the source itself appended; a replayed dead letter does not move it.
    var appended: Position { Position(self.appendedPosition.load(ordering: .acquiring)) }

    /// See ``SourceWatermark/safe``.
    var safe: Position { Position(self.safePosition.load(ordering: .acquiring)) }

    /// See ``SourceWatermark/isPaused``.
    var isPaused: Bool { self.flags.load(ordering: .acquiring) & Self.paused != 0 }

    /// See ``SourceWatermark/isStopping``.
    var isStopping: Bool { self.flags.load(ordering: .acquiring) & Self.stopping != 0 }

    /// The receipt for a batch that appends nothing.
    var receipt: SourceOutlet.Receipt {
        SourceOutlet.Receipt(demand: self.isPaused ? .pause : .more, position: self.appended)
    }
}
