extension Senders {
    static let grafana = Preset(
        "grafana", .source,
        #"""
        # Grafana alerting: groups of alerts that fire and are resolved.
        # Formats: https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
        # For `token`, choose the authorization scheme Bearer; `signature` is the HMAC signature of the contact point.
        type: webhook
        id: grafana
        if_given:
          signature: { signature: { header: X-Grafana-Alerting-Signature, prefix: "" } }
        normalise:
          cases:
            - match: { payload.status: resolved }
              set:
                title: "{{ .payload.title }}"
                message: { from: .payload.commonAnnotations.summary, default: "{{ .payload.message }}" }
                priority: 2
                tags: [grafana, resolved, "{{ .payload.commonLabels.severity }}"]
                timestamp: { from: ".payload.alerts[0].endsAt" }
            - set:
                title: "{{ .payload.title }}"
                message: { from: .payload.commonAnnotations.summary, default: "{{ .payload.message }}" }
                tags: [grafana, "{{ .payload.status }}", "{{ .payload.commonLabels.severity }}"]
                timestamp: { from: ".payload.alerts[0].startsAt" }
        """#)
}
