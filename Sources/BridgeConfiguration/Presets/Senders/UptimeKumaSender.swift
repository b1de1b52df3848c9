extension Senders {
    static let uptimeKuma = Preset(
        "uptime-kuma", .source,
        #"""
        # Uptime Kuma: monitors that go down and come up again.
        # Formats: https://github.com/louislam/uptime-kuma server/notification-providers/webhook.js (both kinds of body)
        # For `token`, add the header {"Authorization": "Bearer TOKEN"} to the notification.
        type: webhook
        id: uptime-kuma
        normalise:
          cases:
            - match: { payload.heartbeat.status: 0 }
              set:
                title: "{{ .payload.monitor.name }} is down"
                message: "{{ .payload.heartbeat.msg }}"
                priority: 5
                tags: [uptime-kuma, down, "{{ .payload.monitor.tags[0].name }}", "{{ .payload.monitor.tags[1].name }}"]
                timestamp: { from: .payload.heartbeat.time, zone: UTC }
            - match: { payload.heartbeat.status: 1 }
              set:
                title: "{{ .payload.monitor.name }} is up"
                message: "{{ .payload.heartbeat.msg }}"
                priority: 2
                tags: [uptime-kuma, up, "{{ .payload.monitor.tags[0].name }}", "{{ .payload.monitor.tags[1].name }}"]
                timestamp: { from: .payload.heartbeat.time, zone: UTC }
            - set: { tags: [uptime-kuma] }
        """#)
}
