extension Receivers {
    static let pagerDuty = Preset(
        "pagerduty", .sink,
        #"""
        # PagerDuty, Events API v2: opens an alert for each title; Alertmanager also resolves its own.
        # Documentation: https://developer.pagerduty.com/docs/events-api-v2-trigger-events (summary 1,024 characters, all 512 KB)
        # sinks:
        #   duty:
        #     preset: pagerduty
        #     json: { routing_key: "${env:PAGERDUTY_KEY}" }
        type: webhook
        url: https://events.pagerduty.com/v2/enqueue
        json:
          routing_key: { required: "the integration key of a service" }
          event_action: { from: .payload.status, map: { resolved: resolve }, default: trigger }
          dedup_key: { from: .payload.groupKey, default: { from: .title, default: { from: .message, default: { from: $subject, default: "{{ $source }}" } } }, limit: 255 }
          payload:
            summary: { join: [{ from: .title }, { from: .message }], with: ": ", default: { from: $subject, default: (no text) }, limit: 1024 }
            source: "{{ $source }}"
            severity: { from: .priority, map: { 1: info, 2: info, 4: error, 5: critical }, default: warning }
            timestamp: "{{ .timestamp }}"
            custom_details: { from: .payload, as: json, limit_bytes: 240000, ellipsis: … }
        """#)
}
