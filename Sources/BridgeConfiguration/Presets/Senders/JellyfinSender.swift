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
            - set:
                title: { join: ["{{ .payload.NotificationType }}", "{{ .payload.Name }}"], with: ": " }
                message:
                  join:
                    - "{{ .payload.NotificationUsername }}"
                    - "{{ .payload.DeviceName }}"
                    - "{{ .payload.SeriesName }}"
                    - { from: .payload.Artist }
                    - "{{ .payload.ServerName }}"
                priority: { from: .payload.NotificationType, map: { AuthenticationFailure: 4, UserLockedOut: 4, PluginInstallationFailed: 4, TaskCompleted: 1, PlaybackProgress: 1 }, default: 2 }
                tags: [jellyfin, "{{ .payload.NotificationType }}"]
                timestamp: { from: .payload.UtcTimestamp }
        """#)
}
