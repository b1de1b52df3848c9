extension Senders {
    static let plex = Preset(
        "plex", .source,
        #"""
        # Plex Media Server: what is played, and what is new in the library.
        # Formats: https://support.plex.tv/articles/115002267687-webhooks/ (a multipart form with payload and a picture)
        type: webhook
        id: plex
        max_body: 4MiB
        normalise:
          cases:
            - set:
                title: "{{ .payload.event }}: {{ .payload.Metadata.title }}"
                message:
                  join: ["{{ .payload.Account.title }}", "{{ .payload.Player.title }}", "{{ .payload.Metadata.grandparentTitle }}"]
                priority: 2
                tags: [plex, "{{ .payload.event }}"]
        """#)
}
