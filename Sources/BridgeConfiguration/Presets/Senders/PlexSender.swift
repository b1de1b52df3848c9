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
                title: { join: ["{{ .payload.event }}", "{{ .payload.Metadata.title }}"], with: ": " }
                message:
                  join: ["{{ .payload.Account.title }}", "{{ .payload.Player.title }}", "{{ .payload.Metadata.grandparentTitle }}", "{{ .payload.Server.title }}"]
                priority: { from: .payload.event, map: { admin.database.corrupted: 5, device.new: 3, library.new: 3 }, default: 2 }
                tags: [plex, "{{ .payload.event }}"]
                # The times in it are those of the film.
                timestamp: null
        """#)
}
