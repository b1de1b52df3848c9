extension Senders {
    static let sentry = Preset(
        "sentry", .source,
        #"""
        # Sentry: issues and alerts of an internal integration.
        # Formats: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
        # `signature: { secret: … }` takes the client secret of the integration.
        type: webhook
        id: sentry
        if_given:
          signature: { signature: { header: Sentry-Hook-Signature, prefix: "" } }
        normalise:
          cases:
            - match: { attributes.sentry-hook-resource: issue }
              set:
                title: "{{ .payload.data.issue.project.name }}: {{ .payload.action }}: {{ .payload.data.issue.title }}"
                message: { from: .payload.data.issue.culprit, default: "{{ .payload.data.issue.title }}" }
                priority: { from: .payload.data.issue.level, map: { fatal: 5, error: 4, warning: 4 }, default: 3 }
                tags: [sentry, issue, "{{ .payload.action }}"]
            - match: { attributes.sentry-hook-resource: event_alert }
              set:
                title: "{{ .payload.data.triggered_rule }}: {{ .payload.data.event.title }}"
                message: { from: .payload.data.event.culprit, default: "{{ .payload.data.event.title }}" }
                priority: { from: .payload.data.event.level, map: { fatal: 5, error: 4, warning: 4 }, default: 3 }
                tags: [sentry, event_alert]
            - set:
                tags: [sentry, "{{ $attributes[\"sentry-hook-resource\"] }}", "{{ .payload.action }}"]
        """#)
}
