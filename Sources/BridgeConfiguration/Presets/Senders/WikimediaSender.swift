extension Senders {
    static let wikimedia = Preset(
        "wikimedia", .source,
        #"""
        # Wikimedia EventStreams: changes of all wikis over SSE.
        # Formats: https://wikitech.wikimedia.org/wiki/Event_Platform/EventStreams_HTTP_Service and schema mediawiki/recentchange/1.0.0
        # Canary events, which test the stream, have the domain `canary` (https://phabricator.wikimedia.org/T266798).
        type: sse
        url: https://stream.wikimedia.org/v2/stream/recentchange
        normalise:
          cases:
            - match: { payload.meta.domain: canary }
              drop: true
            - match: { payload.type: log }
              set:
                title: "{{ .payload.wiki }}: {{ .payload.log_type }} {{ .payload.log_action }}: {{ .payload.title }}"
                message: { join: ["log by {{ .payload.user }}", "{{ .payload.log_action_comment }}"], with: ": " }
                priority: 1
                tags: [wikimedia, log, "{{ .payload.log_type }}"]
                timestamp: { from: .payload.meta.dt }
            - set:
                title: "{{ .payload.wiki }}: {{ .payload.title }}"
                message: { join: ["{{ .payload.type }} by {{ .payload.user }}", "{{ .payload.comment }}"], with: ": " }
                priority: 1
                tags: [wikimedia, "{{ .payload.type }}"]
                timestamp: { from: .payload.meta.dt }
        """#)
}
