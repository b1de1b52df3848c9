extension Senders {
    static let radarr = Preset(
        "radarr", .source,
        #"""
        # Radarr: movies that are grabbed and imported, and problems of its health.
        # Formats: https://github.com/Radarr/Radarr src/NzbDrone.Core/Notifications/Webhook/*.cs
        # The connection "Webhook" can send `user` and `password`.
        type: webhook
        id: radarr
        normalise:
          cases:
            - match: { payload.eventType: Test }
              set: { title: Radarr test, priority: 1, tags: [radarr, Test] }
            - match: { payload.eventType: { regex: "^(Health|HealthRestored)$" } }
              set:
                title: "{{ .payload.instanceName }} health: {{ .payload.level }}"
                message: "{{ .payload.message }}"
                priority: { from: .payload.level, map: { error: 5, warning: 4 }, default: 2 }
                tags: [radarr, "{{ .payload.eventType }}"]
            - match: { payload.movie.title: { regex: "." } }
              set:
                title: "{{ .payload.eventType }}: {{ .payload.movie.title }}"
                message: { join: [{ from: .payload.release.quality, default: "{{ .payload.movieFile.quality }}" }, "{{ .payload.release.indexer }}"], with: " from " }
                priority: 2
                tags: [radarr, "{{ .payload.eventType }}"]
            - set: { priority: 2, tags: [radarr, "{{ .payload.eventType }}"] }
        """#)
}
