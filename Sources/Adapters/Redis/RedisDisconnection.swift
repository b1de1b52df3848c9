import BridgeCore
import NIOCore

/// How a connection has ended.
struct RedisDisconnection: Sendable {
    let error: ComponentError
    /// The time of the last data from the server.
    let heard: NIODeadline
    /// Whether the server closed the connection while it was not read, or soon after.
    let isOfSlowReader: Bool

    /// ``heard`` in wall-clock time.
    var time: Timestamp {
        Timestamp(milliseconds: Timestamp.now().milliseconds - (NIODeadline.now() - self.heard).nanoseconds / 1_000_000)
    }
}
