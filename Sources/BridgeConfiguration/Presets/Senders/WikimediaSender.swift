extension Senders {
    static let wikimedia = Preset(
        "wikimedia", .source,
        #"""
        # Wikimedia EventStreams: changes of all wikis over SSE.
        # Formats: https://wikitech.wikimedia.org/wiki/Event_Platform/EventStreams_HTTP_Service and schema mediawiki/recentchange
        type: sse
        url: https://stream.wikimedia.org/v2/stream/recentchange
        normalise:
          cases:
            - match: { payload.meta.domain: canary }
              drop: true
            - set:
                title: "{{ .payload.wiki }}: {{ .payload.title }}"
                message: { join: ["{{ .payload.type }} by {{ .payload.user }}", "{{ .payload.comment }}"], with: ": " }
                priority: 1
                tags: [wikimedia, "{{ .payload.type }}"]
                timestamp: { from: .payload.meta.dt }
        """#)
}
