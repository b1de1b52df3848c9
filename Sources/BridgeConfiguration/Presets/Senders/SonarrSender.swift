extension Senders {
    static let sonarr = Preset(
        "sonarr", .source,
        #"""
        # Sonarr: episodes that are grabbed and imported, and problems of its health.
        # Formats: https://github.com/Sonarr/Sonarr src/NzbDrone.Core/Notifications/Webhook/*.cs
        # The connection "Webhook" can send `user` and `password`.
        type: webhook
        id: sonarr
        normalise:
          cases:
            - match: { payload.eventType: Test }
              set: { title: Sonarr test, priority: 1, tags: [sonarr, Test] }
            # The level is that of the problem which is over.
            - match: { payload.eventType: HealthRestored }
              set:
                title: { join: [{ from: .payload.instanceName, default: Sonarr }, "health: restored"], with: " " }
                message: "{{ .payload.message }}"
                priority: 2
                tags: [sonarr, HealthRestored]
            - match: { payload.eventType: Health }
              set:
                title: { join: [{ from: .payload.instanceName, default: Sonarr }, "health:", "{{ .payload.level }}"], with: " " }
                message: "{{ .payload.message }}"
                priority: { from: .payload.level, map: { error: 5, warning: 4 }, default: 2 }
                tags: [sonarr, "{{ .payload.eventType }}"]
            - match: { payload.eventType: ManualInteractionRequired }
              set:
                title: { join: ["{{ .payload.eventType }}", { from: .payload.series.title }], with: ": " }
                message: { join: ["{{ .payload.release.releaseTitle }}", "{{ .payload.downloadClient }}"] }
                priority: 4
                tags: [sonarr, ManualInteractionRequired]
            - match: { payload.episodes.0.episodeNumber: { regex: "." } }
              set:
                title:
                  from: >-
                    def two: tostring | if length < 2 then "0" + . else . end;
                    .payload | "\(.eventType): \(.series.title) "
                    + ([.episodes[:10][] | "S\(.seasonNumber | two)E\(.episodeNumber | two) \(.title)"] | join(", "))
                message: { join: [{ from: .payload.release.quality, default: "{{ .payload.episodeFile.quality }}" }, "{{ .payload.release.indexer }}"], with: " from " }
                priority: 2
                tags: [sonarr, "{{ .payload.eventType }}"]
            - set: { priority: 2, tags: [sonarr, "{{ .payload.eventType }}"] }
        """#)
}
