extension Receivers {
    static let pagerDuty = Preset(
        "pagerduty", .sink,
        #"""
        # PagerDuty, Events API v2: opens an alert for each title, and resolves it when the sender says so.
        # Documentation: https://developer.pagerduty.com/docs/events-api-v2-trigger-events (summary 1,024 characters, all 512 KB)
        # sinks:
        #   duty:
        #     preset: pagerduty
        #     json: { routing_key: "${env:PAGERDUTY_KEY}" }
        type: webhook
        url: https://events.pagerduty.com/v2/enqueue
        json:
          routing_key: { required: "the integration key of a service" }
          # Alertmanager and Grafana have a status, Sentry an action; others end a title with "is up" or "is online".
          event_action:
            from: .payload.status
            map: { resolved: resolve }
            default:
              from: .payload.action
              map: { resolved: resolve }
              default: { from: .title, part: "* is {}", map: { up: resolve, online: resolve, available: resolve, connected: resolve }, default: trigger }
          # The same for the beginning and the end of an incident.
          dedup_key:
            from: .payload.groupKey
            default:
              from: .payload.data.metric_alert.id
              default:
                from: .payload.data.issue.id
                default:
                  from: .payload.data.event.issue_id
                  default:
                    from: .title
                    part: ["{} is up", "{} is down", "{} is Up", "{} is Down", "{} is online", "{} is offline", "{} is Online", "{} is Offline", "{} is available", "{} is unavailable", "{} is connected", "{} is disconnected"]
                    default: { from: .title, default: { from: .message, default: { from: $subject, default: "{{ $source }}" } } }
            limit: 255
          payload:
            summary: { join: [{ from: .title }, { from: .message }], with: ": ", default: { from: $subject, default: (no text) }, limit: 1024, ellipsis: … }
            source: "{{ $source }}"
            severity: { from: .priority, map: { 1: info, 2: info, 4: error, 5: critical }, default: warning }
            timestamp: "{{ .timestamp }}"
            custom_details: { from: .payload, as: json, limit_bytes: 240000, ellipsis: … }
        """#,
        checks: [
            .url(
                endsWith: ["v2", "enqueue"],
                else: "is no address of Events API v2; leave it out, or write https://events.eu.pagerduty.com/v2/enqueue")
        ])
}
