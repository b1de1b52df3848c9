import NIOCore

/// Messages without content: keep-alives and end marks of event streams.
///
/// They become no event and are counted.
enum Noise {
    /// Types of server-sent events that keep a connection alive.
    private static let keepAlives: Set<String> = ["keepalive", "keep-alive", "keep_alive", "ping", "heartbeat"]

    /// Whether a message is noise.
    ///
    /// An empty body is not: a sink may have to clear a retained topic with it (MQTT 5 §3.3.1.3).
    static func isNoise(_ message: ReceivedMessage) -> Bool {
        guard message.body.readableBytes <= 512, let type = message.attributes["sse-event"] else { return false }
        return self.keepAlives.contains(type) || message.body.readableBytesView.elementsEqual("[DONE]".utf8)
            || (type == "open" && self.isBookkeeping(message.body))
    }

    /// The first message of an ntfy stream: `{"id":…,"time":…,"event":"open","topic":…}`.
    private static func isBookkeeping(_ body: ByteBuffer) -> Bool {
        let text = String(buffer: body)
        return text.contains("\"event\":\"open\"") && text.contains("\"topic\":") && !text.contains("\"message\":")
    }
}
