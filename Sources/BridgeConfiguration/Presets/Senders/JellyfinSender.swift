extension Senders {
    static let jellyfin = Preset(
        "jellyfin", .source,
        #"""
        # Jellyfin: what is played and added, by the generic template of the plugin "Webhook".
        # Formats: https://github.com/jellyfin/jellyfin-plugin-webhook Helpers/DataObjectHelpers.cs and Destinations/NotificationType.cs
        # Choose "Send All Properties". Progress comes every few seconds while something is played.
        type: webhook
        id: jellyfin
        normalise:
          cases:
            - match: { payload.NotificationType: TaskCompleted }
              set:
                title: { join: ["{{ .payload.NotificationType }}", { from: .payload.TaskName, default: { from: .payload.Name } }, { from: .payload.ResultStatus }], with: ": " }
                message: { join: [{ from: .payload.ResultErrorMessage }, "{{ .payload.ServerName }}"] }
                priority: { from: .payload.ResultStatus, map: { Failed: 4, Aborted: 4 }, default: 1 }
                tags: [jellyfin, TaskCompleted, { from: .payload.ResultStatus }]
                timestamp: { from: .payload.EndTime, default: { from: .payload.UtcTimestamp } }
            - set:
                title: { join: ["{{ .payload.NotificationType }}", "{{ .payload.Name }}"], with: ": " }
                message:
                  join:
                    - { from: .payload.NotificationUsername, default: "{{ .payload.Username }}" }
                    - "{{ .payload.DeviceName }}"
                    - "{{ .payload.SeriesName }}"
                    - { from: .payload.Artist }
                    - "{{ .payload.ServerName }}"
                priority: { from: .payload.NotificationType, map: { AuthenticationFailure: 4, UserLockedOut: 4, PluginInstallationFailed: 4, PlaybackProgress: 1 }, default: 2 }
                tags: [jellyfin, "{{ .payload.NotificationType }}"]
                timestamp: { from: .payload.UtcTimestamp }
        """#)
}
