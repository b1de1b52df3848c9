import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// A request whose events are not yet known to be safe.
struct WebhookPending {
    let responder: HTTPResponder
    let status: HTTPResponseStatus
    var deadline: NIODeadline
    /// How many events it makes.
    var count = 1
    /// Whether its body has several items, were it only one.
    var isBatch = false
    /// Where its events are safe.
    var position = Position.start
    /// The ids of its events, as far as they are evaluated; `nil` for one that is refused as a loop.
    var ids: [String?] = []
    /// Distinguishes it from other requests that wait for an evaluation; 0 once it is evaluated.
    var number: UInt64 = 0

    /// Whether all of its events are evaluated.
    var isDecided: Bool { self.ids.count == self.count }
    /// Whether all of its events are refused as a loop.
    var isLoop: Bool { self.isDecided && self.ids.allSatisfy { $0 == nil } }
}
