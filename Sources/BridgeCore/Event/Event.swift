package import NIOCore

/// One message after normalising: what routes choose by and what sinks carry on.
///
/// Immutable, so it is shared by every log record, queue and sink that holds it at the price of one reference; a class, because
/// a value of ten reference-counted fields would cost ten retains at each of those places.
package final class Event: Sendable {
    /// The upstream id when it is unique and safe, else `msg_` and a UUIDv7; see ``EventID``.
    ///
    /// 1 to 128 ASCII bytes.
    package let id: String
    /// At most 200 UTF-16 units; absent when the message brought none.
    package let title: String?
    /// At most ``EventLimits/message`` UTF-16 units; may be empty.
    package let message: String
    /// 1 (least) to 5 (urgent); absent stays absent and never matches a filter.
    package let priority: Int?
    /// In the order the message brought them; empty when it brought none.
    package let tags: [String]
    /// Upstream's own time when given, else the time of receipt.
    package let timestamp: Timestamp
    /// The message's original JSON body, or its `payload` member when the body was already the model's own JSON.
    package let payload: ByteBuffer?
    /// The model's JSON, rendered once: `id, title, message, priority, tags, timestamp, payload` in that order, no line breaks
    /// outside `payload`'s own white space, which is folded away if it holds CR or LF.
    ///
    /// Valid UTF-8.
    package let json: ByteBuffer
    /// The name of the source in the configuration file.
    package let source: String
    /// MQTT topic, Redis channel or stream key, webhook id, SSE event type, file path; free of control characters.
    package let subject: String
    /// What else the peer told: headers, MQTT user properties, `qos`, `retained`, the upstream SSE `id`, the content type.
    package let attributes: Attributes
    /// The upstream body as it arrived.
    package let raw: ByteBuffer
    /// What the event stands for.
    package let kind: Kind
    /// Where it has been; see ``Passage``.
    package let passage: Passage

    package init(
        id: String, title: String?, message: String, priority: Int?, tags: [String], timestamp: Timestamp,
        payload: ByteBuffer?, json: ByteBuffer, source: String, subject: String, attributes: Attributes, raw: ByteBuffer,
        kind: Kind = .message, passage: Passage = Passage()
    ) {
        self.id = id
        self.title = title
        self.message = message
        self.priority = priority
        self.tags = tags
        self.timestamp = timestamp
        self.payload = payload
        self.json = json
        self.source = source
        self.subject = subject
        self.attributes = attributes
        self.raw = raw
        self.kind = kind
        self.passage = passage
    }

    /// What an event stands for.
    package enum Kind: Sendable, Equatable {
        /// A message of a peer.
        case message
        /// A loss that the source knows of: it goes to every route of its source, whatever that route filters by.
        case gap
        /// An event that could not be delivered, with the reason; it goes to the dead-letter sink only.
        case deadLetter
    }
}
