extension Senders {
    static let ntfy = Preset(
        "ntfy", .source,
        #"""
        # ntfy: messages of topics over SSE.
        # Formats: https://docs.ntfy.sh/subscribe/api/#json-message-format
        # `url` is https://ntfy.sh/TOPIC/sse; a keepalive comes every 45 seconds.
        type: sse
        idle_timeout: 2m
        events: [message]
        """#)
}
