extension Senders {
    static let gitea = Preset(
        "gitea", .source,
        #"""
        # Gitea and Forgejo: pushes, issues, pull requests and releases of repositories.
        # Formats: https://docs.gitea.com/usage/webhooks and https://forgejo.org/docs/latest/user/webhooks/
        # `signature: { secret: … }` takes the secret of the webhook.
        type: webhook
        id: gitea
        if_given:
          signature: { signature: { header: X-Gitea-Signature, prefix: "" } }
        normalise:
          cases:
            - match: { attributes.x-gitea-event: push }
              set:
                title: { from: '"\(.payload.repository.full_name): push to \(.payload.ref | sub("^refs/(heads|tags)/"; ""))"' }
                message: "{{ .payload.pusher.login }}: {{ .payload.head_commit.message }}"
                priority: 2
                tags: [gitea, push]
                timestamp: { from: .payload.head_commit.timestamp }
            - match: { attributes.x-gitea-event: issues }
              set:
                title: "{{ .payload.repository.full_name }}: issue {{ .payload.number }} {{ .payload.action }}: {{ .payload.issue.title }}"
                message: { from: .payload.issue.body, default: "{{ .payload.issue.title }}" }
                priority: 3
                tags: [gitea, issues, "{{ .payload.action }}"]
                timestamp: { from: .payload.issue.updated_at }
            - match: { attributes.x-gitea-event: pull_request }
              set:
                title: "{{ .payload.repository.full_name }}: pull request {{ .payload.number }} {{ .payload.action }}: {{ .payload.pull_request.title }}"
                message: { from: .payload.pull_request.body, default: "{{ .payload.pull_request.title }}" }
                priority: 3
                tags: [gitea, pull_request, "{{ .payload.action }}"]
                timestamp: { from: .payload.pull_request.updated_at }
            - set:
                tags: [gitea, "{{ $attributes[\"x-gitea-event\"] }}", "{{ .payload.action }}"]
        """#)
}
