extension Senders {
    static let mercure = Preset(
        "mercure", .source,
        #"""
        # Mercure: updates of a hub over SSE.
        # Formats: https://mercure.rocks/spec (spec/mercure.md of dunglas/mercure)
        # `url` is https://HUB/.well-known/mercure?topic=…, or ?match=… of hubs that follow the draft of 2026; `token` is the JWT of a subscriber; the hub sends a heartbeat every 40 seconds.
        type: sse
        idle_timeout: 2m
        normalise:
          cases:
            # JSON-LD names the resource.
            - match: { 'payload["@id"]': { exists: true } }
              set:
                title: { from: .payload.title, default: { from: .payload.name, default: { from: '.payload["@id"]' } } }
                message: { fields: .payload, except: ["@context", "@id", "@type", title, name] }
                tags: [mercure, { from: '.payload["@type"]' }]
            - set: { tags: [mercure] }
        """#)
}
