package import NIOCore

/// One message as a source read it, before it becomes an ``Event``.
///
/// Made by a source on its own thread, one per message of the peer, and handed in batches to ``SourceOutlet/send(_:)``.
package struct ReceivedMessage: Sendable {
    /// MQTT topic, Redis channel or stream key, webhook id, SSE event type, file path.
    ///
    /// Any text: characters that could forge a protocol's framing are replaced when the event is made.
    package var subject: String
    /// The body as it arrived, copied once out of the client library's memory.
    package var body: ByteBuffer
    /// The media type if the peer named one.
    ///
    /// `nil` means: look at the bytes.
    package var contentType: String?
    /// The peer's own id of this message (SSE `id`, stream entry id, a header), if it has one that identifies the *message*.
    package var upstreamID: String?
    /// The peer's own time of this message, if it told one outside the body.
    package var timestamp: Timestamp?
    /// What else the peer told; names in lower case.
    package var attributes: Attributes
    /// Tells this message from the source's other recent ones, the same when the peer sends it again: a stable hash of what identifies it,
    /// such as stream and entry id; `nil` where nothing does.
    package var repeatKey: UInt64?
    /// The peer may have sent this message before; it is dropped when its ``repeatKey`` is among the last that the log took from the source.
    package var mayBeRepeated: Bool

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
