package import NIOCore

/// One message as a source received it, before it becomes an ``Event``.
///
/// A source makes one for each message of the peer, on its own thread, and passes them in batches to
/// ``SourceOutlet/send(_:mayBlock:)``.
package struct ReceivedMessage: Sendable {
    /// The MQTT topic, Redis channel or stream key, webhook id, SSE event type or file path.
    ///
    /// Any text: the event replaces characters that could break a protocol's framing.
    package var subject: String
    /// The body as received, copied once from the client library's memory.
    package var body: ByteBuffer
    /// The bytes that the sender sent, where ``body`` is made of them, such as the JSON of a form; `nil` where they are the body.
    package var original: ByteBuffer?
    /// The media type; `nil` when the peer gave none.
    ///
    /// The bytes of the body then decide.
    package var contentType: String?
    /// The peer's id of the message (SSE `id`, stream entry id, a header); `nil` when none identifies the *message*.
    package var upstreamID: String?
    /// The peer's time of the message outside its body; `nil` when there is none.
    package var timestamp: Timestamp?
    /// Other data of the message; names in lower case.
    package var attributes: Attributes
    /// A stable hash of what identifies the message, such as stream and entry id; equal when the peer sends it again.
    ///
    /// It differs from those of the source's other recent messages. `nil` when nothing identifies the message.
    package var repeatKey: UInt64?
    /// Whether the peer may have sent the message before; it is dropped when the log recently took its ``repeatKey``
    /// from the source.
    package var mayBeRepeated: Bool

    /// Makes a message without optional parts by default.
    package init(
        subject: String, body: ByteBuffer, contentType: String? = nil, upstreamID: String? = nil, timestamp: Timestamp? = nil,
        attributes: Attributes = Attributes(), repeatKey: UInt64? = nil, mayBeRepeated: Bool = false
    ) {
        self.subject = subject
        self.body = body
        self.contentType = contentType
        self.upstreamID = upstreamID
        self.timestamp = timestamp
        self.attributes = attributes
        self.repeatKey = repeatKey
        self.mayBeRepeated = mayBeRepeated
    }
}
