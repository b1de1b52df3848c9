import NIOCore
import Synchronization

/// Decides when work that may never run out pauses, so that its event loop serves the sockets.
///
/// An event loop of SwiftNIO runs every task that is due, and those that these tasks add, before it looks at its sockets again. Work that adds
/// itself anew for as long as there is more must therefore pause: else no request is read while a source appends as fast as a sink takes.
///
/// A value without a clock. All such work of one loop shares it, because each would fill the pauses of the others.
struct LoopPacing {
    /// How long the work may go on without a pause.
    static let slice = TimeAmount.milliseconds(5)
    /// How long it pauses.
    ///
    /// Not zero: a loop runs what is due before it looks at its sockets.
    static let pause = TimeAmount.microseconds(100)

    /// When the first piece of this slice began.
    private var start = NIODeadline.uptimeNanoseconds(0)
    /// When the last piece ended.
    private var end = NIODeadline.uptimeNanoseconds(0)

    /// A piece of work has begun.
    ///
    /// It belongs to the slice of the piece before it, unless there was time for the sockets in between.
    mutating func began(_ now: NIODeadline) {
        if now - self.end > Self.pause { self.start = now }
    }

    /// The piece has ended, and there may be more.
    ///
    /// - Returns: when to go on; `nil` for at once.
    mutating func ended(_ now: NIODeadline) -> NIODeadline? {
        self.end = now
        return now - self.start < Self.slice ? nil : now + Self.pause
    }

    /// A pause is over.
    ///
    /// - Returns: when to go on, where another piece has filled the pause; `nil` for at once.
    mutating func resumed(_ now: NIODeadline) -> NIODeadline? {
        // Another has begun the next slice.
        guard now - self.start >= Self.slice else { return nil }
        guard now - self.end >= Self.pause else { return self.end + Self.pause }
        self.start = now
        self.end = now
        return nil
    }
}

/// The pacing of each event loop that carries deliveries.
///
/// Thread-safe; a box is used on its loop alone.
final class LoopPacings: Sendable {
    private let boxes = Mutex<[ObjectIdentifier: NIOLoopBoundBox<LoopPacing>]>([:])

    /// The pacing that all work on a loop shares.
    func pacing(of loop: any EventLoop) -> NIOLoopBoundBox<LoopPacing> {
        self.boxes.withLock { boxes in
            let known = boxes[ObjectIdentifier(loop)]
            let box = known ?? .makeBoxSendingValue(LoopPacing(), eventLoop: loop)
            boxes[ObjectIdentifier(loop)] = box
            return box
        }
    }
}
