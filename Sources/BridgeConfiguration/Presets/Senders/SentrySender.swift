extension Senders {
    static let sentry = Preset(
        "sentry", .source,
        #"""
        # Sentry: issues and alerts of an internal integration.
        # Formats: https://docs.sentry.io/integrations/integration-platform/webhooks/ (issues, issue alerts, metric alerts, comments)
        # Actions: src/sentry/utils/sentry_apps of https://github.com/getsentry/sentry (older versions say `ignored` and `open`).
        # `signature: { secret: … }` takes the client secret of the integration.
        type: webhook
        id: sentry
        if_given:
          signature: { signature: { header: Sentry-Hook-Signature, prefix: "" } }
        normalise:
          cases:
            - match: { attributes.sentry-hook-resource: issue, payload.action: [resolved, archived, ignored, assigned] }
              set:
                title: "{{ .payload.data.issue.project.name }}: {{ .payload.action }}: {{ .payload.data.issue.title }}"
                message: { from: .payload.data.issue.culprit, default: "{{ .payload.data.issue.title }}" }
                priority: 2
                tags: [sentry, issue, "{{ .payload.action }}"]
            - match: { attributes.sentry-hook-resource: issue }
              set:
                title: "{{ .payload.data.issue.project.name }}: {{ .payload.action }}: {{ .payload.data.issue.title }}"
                message: { from: .payload.data.issue.culprit, default: "{{ .payload.data.issue.title }}" }
                priority: { from: .payload.data.issue.level, map: { fatal: 5, error: 4, warning: 4 }, default: 3 }
                tags: [sentry, issue, "{{ .payload.action }}"]
                timestamp: { from: .payload.data.issue.lastSeen }
            - match: { attributes.sentry-hook-resource: event_alert }
              set:
                title: "{{ .payload.data.triggered_rule }}: {{ .payload.data.event.title }}"
                message: { from: .payload.data.event.culprit, default: "{{ .payload.data.event.title }}" }
                priority: { from: .payload.data.event.level, map: { fatal: 5, error: 4, warning: 4 }, default: 3 }
                tags: [sentry, event_alert]
                timestamp: { from: .payload.data.event.datetime }
            - match: { attributes.sentry-hook-resource: metric_alert }
              set:
                title: "{{ .payload.data.description_title }}"
                message: "{{ .payload.data.description_text }}"
                priority: { from: .payload.action, map: { critical: 5, warning: 4, open: 4, resolved: 2 }, default: 3 }
                tags: [sentry, metric_alert, "{{ .payload.action }}"]
            - match: { attributes.sentry-hook-resource: comment }
              set:
                title: "{{ .payload.data.project_slug }}: comment {{ .payload.action }}"
                message: { join: ["{{ .payload.actor.name }}", "{{ .payload.data.comment }}"], with: ": " }
                priority: 3
                tags: [sentry, comment, "{{ .payload.action }}"]
                timestamp: { from: .payload.data.timestamp }
            # The payload has a code that is exchanged for a token.
            - match: { attributes.sentry-hook-resource: installation }
              set:
                title: "Sentry installation {{ .payload.action }}"
                message: { join: ["{{ .payload.actor.name }}", "{{ .payload.data.installation.app.slug }}"], with: ": " }
                priority: 2
                tags: [sentry, installation, "{{ .payload.action }}"]
            - set:
                tags: [sentry, "{{ $attributes[\"sentry-hook-resource\"] }}", "{{ .payload.action }}"]
        """#)
}
