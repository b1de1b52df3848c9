extension Senders {
    static let alertmanager = Preset(
        "alertmanager", .source,
        #"""
        # Prometheus Alertmanager: groups of alerts that fire and are resolved.
        # Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
        # For `token`, set `http_config: { authorization: { credentials: TOKEN } }` of the receiver.
        type: webhook
        id: alertmanager
        normalise:
          cases:
            - match: { payload.status: resolved }
              set: { priority: 2, tags: [alertmanager, resolved, "{{ .payload.commonLabels.severity }}"] }
            - set: { tags: [alertmanager, "{{ .payload.status }}", "{{ .payload.commonLabels.severity }}"] }
        """#)
}
