import JSON
import NIOCore

/// An event in the making: what one of the shapes has found in a body.
struct Draft {
    var id: String?
    var title: String?
    /// `nil` when the shape found none: the body itself then is the message.
    var message: String?
    var priority: Int?
    var tags: [String] = []
    var timestamp: Timestamp?
    /// The model's JSON of all this, where the body is that to the byte.
    var json: ByteBuffer?
    /// `nil` for bodies that are not JSON.
    var payload: ByteBuffer?
    var isNative = false
    var problem: String?
    /// Added to the event's attributes.
    var encoding: String?
    /// In place of the message's own.
    var subject: String?
    /// The payload as the normaliser's parser has it, valid until the next message is read; `nil` when it is not parsed so.
    var root: JSONElement?
    /// What makes the message of ``root``, where it has been left for later.
    var pending: PendingMessage?

    /// What ``VendorShape`` has found out about a message that it does not write yet.
    struct PendingMessage {
        let title: String?
        let kind: String?
    }
}
