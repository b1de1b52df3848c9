import Glibc
import NIOCore

extension Channel {
    /// Makes the close that follows reset the connection, for one without an answer yet.
    ///
    /// A client with a request in flight notices the reset and reconnects; Firefox's `EventSource` never reconnects
    /// when a connection ends in order before there is an answer. Called on the channel's event loop.
    func resetOnClose() {
        // A channel without this option is closed as usual. The option is set synchronously, on the channel's own loop.
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
}
