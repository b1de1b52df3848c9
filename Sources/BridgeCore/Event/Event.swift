package import NIOCore

/// One message after normalising, as routes match it and sinks send it.
///
/// Immutable. Each log record, queue and sink shares it for the cost of one reference. A struct of ten
/// reference-counted fields would cost ten retains at each of them.
package final class Event: Sendable {
    /// The upstream id when it is unique and valid, else `msg_` and a UUIDv7; see ``EventID``.
    ///
    /// 1 to 128 ASCII bytes.
    package let id: String
    /// The title, at most ``EventLimits/title`` UTF-16 units; `nil` when the message has none.
    package let title: String?
    /// The message, at most ``EventLimits/message`` UTF-16 units; may be empty.
    package let message: String
    /// The priority, 1 (least) to 5 (urgent); `nil` when the message has none, and then it matches no filter.
    package let priority: Int?
    /// The tags in the order of the message; empty when it has none.
    package let tags: [String]
    /// The upstream time when the message has one, else the time of receipt.
    package let timestamp: Timestamp
    /// The original JSON body, or its `payload` member when the body is an event's JSON; `nil` when there is neither.
    package let payload: ByteBuffer?
    /// The event's JSON, rendered once: `id, title, message, priority, tags, timestamp, payload` in that order.
    ///
    /// Valid UTF-8 on one line: CR and LF are removed from the white space of `payload`.
    package let json: ByteBuffer
    /// The source's name in the configuration file.
    package let source: String
    /// The MQTT topic, Redis channel or stream key, webhook id, SSE event type or file path; contains no control
    /// characters.
    package let subject: String
    /// Other data of the message: headers, MQTT user properties, `qos`, `retained`, the upstream SSE `id`, the content
    /// type.
    package let attributes: Attributes
    /// The upstream body, byte for byte.
    package let raw: ByteBuffer
    /// What the event represents.
    package let kind: Kind
    /// The bridges that it has crossed and its trace; see ``Provenance``.
    package let provenance: Provenance
    /// The bytes that the event counts in the bounds of buffers and log: its bodies, and 256 for everything else or, where that
    /// is more, what subject and attributes take up.
    package let weight: Int

    /// Makes an event from its final parts; checks and renders nothing.
    package init(
        id: String, title: String?, message: String, priority: Int?, tags: [String], timestamp: Timestamp,
        payload: ByteBuffer?, json: ByteBuffer, source: String, subject: String, attributes: Attributes, raw: ByteBuffer,
        kind: Kind = .message, provenance: Provenance = Provenance()
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
        self.provenance = provenance
        self.weight = json.readableBytes + raw.readableBytes + max(256, subject.utf8.count + attributes.weight)
    }

    /// What an event represents.
    package enum Kind: Sendable, Equatable {
        /// A message of a peer.
        case message
        /// A known loss of the source; every route from that source takes it, regardless of its filter.
        case gap
        /// An event that a sink gave up, with the reason; only the dead-letter sink gets it.
        case deadLetter
    }
}
