extension Senders {
    static let mercure = Preset(
        "mercure", .source,
        #"""
        # Mercure: updates of a hub over SSE.
        # Formats: https://mercure.rocks/spec
        # `url` is https://HUB/.well-known/mercure?topic=…; `token` is the JWT of a subscriber; the hub sends a heartbeat every 40 seconds.
        type: sse
        idle_timeout: 2m
        normalise:
          cases:
            - set: { tags: [mercure] }
        """#)
}
