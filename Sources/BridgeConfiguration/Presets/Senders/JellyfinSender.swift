extension Senders {
    static let jellyfin = Preset(
        "jellyfin", .source,
        #"""
        # Jellyfin: what is played and added, by the generic template of the plugin "Webhook".
        # Formats: https://github.com/jellyfin/jellyfin-plugin-webhook README ("Send All Properties")
        type: webhook
        id: jellyfin
        normalise:
          cases:
            - set:
                title: { join: ["{{ .payload.NotificationType }}", "{{ .payload.Name }}"], with: ": " }
                message: { join: ["{{ .payload.NotificationUsername }}", "{{ .payload.DeviceName }}", "{{ .payload.SeriesName }}", "{{ .payload.ServerName }}"] }
                priority: { from: .payload.NotificationType, map: { AuthenticationFailure: 4, UserLockedOut: 4, TaskCompleted: 1 }, default: 2 }
                tags: [jellyfin, "{{ .payload.NotificationType }}"]
        """#)
}
