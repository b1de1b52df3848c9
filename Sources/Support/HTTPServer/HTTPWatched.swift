import NIOCore

/// A connection or a request on an HTTP/2 stream, whose deadline an ``HTTPLoop`` checks.
///
/// On its event loop.
protocol HTTPWatched: AnyObject {
    /// The index in ``HTTPLoop``, which alone changes it.
    var index: Int { get set }
    /// When ``timeOut()`` is due.
    var deadline: NIODeadline { get }

    /// Stops waiting, if it still waits.
    func timeOut()
    /// Accepts no further requests, and ends once those in flight are answered.
    func drain()
    /// Ends now.
    func close()
}
