extension Senders {
    static let radarr = Preset(
        "radarr", .source,
        #"""
        # Radarr: movies that are grabbed and imported, and problems of its health.
        # Formats: https://github.com/Radarr/Radarr src/NzbDrone.Core/Notifications/Webhook/WebhookBase.cs and the payloads beside it
        # The connection "Webhook" can send `user` and `password`.
        type: webhook
        id: radarr
        normalise:
          cases:
            - match: { payload.eventType: Test }
              set: { title: Radarr test, priority: 1, tags: [radarr, Test] }
            - match: { payload.eventType: Health }
              set:
                title: { join: [{ from: .payload.instanceName, default: Radarr }, "health:", "{{ .payload.level }}"], with: " " }
                message: "{{ .payload.message }}"
                priority: { from: .payload.level, map: { error: 5, warning: 4 }, default: 2 }
                tags: [radarr, "{{ .payload.eventType }}"]
            # The level is that of the problem which is over.
            - match: { payload.eventType: HealthRestored }
              set:
                title: { join: [{ from: .payload.instanceName, default: Radarr }, "health: restored"], with: " " }
                message: "{{ .payload.message }}"
                priority: 2
                tags: [radarr, HealthRestored]
            - match: { payload.eventType: ApplicationUpdate }
              set:
                title: { join: [{ from: .payload.instanceName, default: Radarr }, "update: {{ .payload.newVersion }}"], with: " " }
                message: "{{ .payload.message }}"
                priority: 2
                tags: [radarr, ApplicationUpdate]
            - match: { payload.eventType: ManualInteractionRequired }
              set:
                title: "{{ .payload.eventType }}: {{ .payload.movie.title }}"
                message: { join: ["{{ .payload.release.releaseTitle }}", "{{ .payload.downloadClient }}"] }
                priority: 4
                tags: [radarr, ManualInteractionRequired]
            - match: { payload.eventType: [MovieDelete, MovieFileDelete] }
              set:
                title: "{{ .payload.eventType }}: {{ .payload.movie.title }}"
                message: { join: ["{{ .payload.movieFile.quality }}", "{{ .payload.deleteReason }}"], with: ": " }
                priority: 2
                tags: [radarr, "{{ .payload.eventType }}"]
            - match: { payload.movie.title: { exists: true } }
              set:
                title: "{{ .payload.eventType }}: {{ .payload.movie.title }}"
                message: { join: [{ from: .payload.release.quality, default: "{{ .payload.movieFile.quality }}" }, "{{ .payload.release.indexer }}"], with: " from " }
                priority: 2
                tags: [radarr, "{{ .payload.eventType }}"]
            - set: { priority: 2, tags: [radarr, "{{ .payload.eventType }}"] }
        """#)
}
