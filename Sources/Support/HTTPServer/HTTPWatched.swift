import NIOCore

/// What a ``HTTPLoop`` watches: a connection, or a request on one of many streams of a connection.
///
/// On its event loop.
protocol HTTPWatched: AnyObject {
    /// The place in ``HTTPLoop``, which alone changes it.
    var index: Int { get set }
    /// When ``timeOut()`` is due.
    var deadline: NIODeadline { get }

    /// Gives up waiting, if it still waits.
    func timeOut()
    /// Takes no further requests, and ends once those under way are answered.
    func drain()
    /// Ends now.
    func close()
}
