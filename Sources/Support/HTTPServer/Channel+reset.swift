import Glibc
import NIOCore

extension Channel {
    /// Has the close that follows reset the connection, for one that has had no answer yet.
    ///
    /// A client whose request is just on its way sees that it was refused and comes back; Firefox's `EventSource` gives up for good when a
    /// connection ends in order before there is an answer. Called on the channel's event loop.
    func resetOnClose() {
        // A channel without such an option is closed as always. The option is set before this returns: it is the channel's own loop.
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
}
