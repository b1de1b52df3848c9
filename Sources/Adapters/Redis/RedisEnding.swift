import BridgeCore
import NIOCore

/// How a connection has ended.
struct RedisEnding: Sendable {
    let error: ComponentError
    /// Until when everything that the server sent was heard.
    let heard: NIODeadline
    /// The server closed the connection while it was not read, or soon after.
    let isOfSlowReader: Bool

    /// ``heard`` by the wall clock.
    var time: Timestamp {
        Timestamp(milliseconds: Timestamp.now().milliseconds - (NIODeadline.now() - self.heard).nanoseconds / 1_000_000)
    }
}
