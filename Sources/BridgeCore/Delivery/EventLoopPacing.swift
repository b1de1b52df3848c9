import NIOCore
import Synchronization

/// Decides when work without a natural end pauses, so that its event loop serves the sockets.
///
/// A SwiftNIO event loop runs every due task, and those that these tasks add, before it polls its sockets again. Work
/// that reschedules itself must therefore pause: otherwise no request is read while a source appends as fast as a sink
/// delivers.
///
/// A value without a clock. All such work of one loop shares it, otherwise each would fill the pauses of the others.
struct EventLoopPacing {
    /// How long the work may run without a pause.
    static let slice = TimeAmount.milliseconds(5)
    /// How long it pauses.
    ///
    /// Not zero: a loop runs due tasks before it polls its sockets.
    static let pause = TimeAmount.microseconds(100)

    /// When the first piece of this slice began.
    private var start = NIODeadline.uptimeNanoseconds(0)
    /// When the last piece ended.
    private var end = NIODeadline.uptimeNanoseconds(0)

    /// Records that a piece of work begins.
    ///
    /// It belongs to the slice of the previous piece, unless the loop could serve its sockets in between.
    mutating func began(_ now: NIODeadline) {
        if now - self.end > Self.pause { self.start = now }
    }

    /// Records that the piece has ended, and there may be more.
    ///
    /// - Returns: when to resume; `nil` for immediately.
    mutating func ended(_ now: NIODeadline) -> NIODeadline? {
        self.end = now
        return now - self.start < Self.slice ? nil : now + Self.pause
    }

    /// Records that a pause is over.
    ///
    /// - Returns: when to resume, if another piece has filled the pause; `nil` for immediately.
    mutating func resumed(_ now: NIODeadline) -> NIODeadline? {
        // Another piece has begun the next slice.
        guard now - self.start >= Self.slice else { return nil }
        guard now - self.end >= Self.pause else { return self.end + Self.pause }
        self.start = now
        self.end = now
        return nil
    }
}

/// The pacing of each event loop that carries deliveries.
///
/// Thread-safe; use a box on its loop only.
final class LoopPacings: Sendable {
    private let boxes = Mutex<[ObjectIdentifier: NIOLoopBoundBox<EventLoopPacing>]>([:])

    /// The pacing that all work on a loop shares.
    func pacing(of loop: any EventLoop) -> NIOLoopBoundBox<EventLoopPacing> {
        self.boxes.withLock { boxes in
            let known = boxes[ObjectIdentifier(loop)]
            let box = known ?? .makeBoxSendingValue(EventLoopPacing(), eventLoop: loop)
            boxes[ObjectIdentifier(loop)] = box
            return box
        }
    }
}
