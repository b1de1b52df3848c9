extension Senders {
    static let gitea = Preset(
        "gitea", .source,
        #"""
        # Gitea and Forgejo: pushes, issues, pull requests and releases of repositories.
        # Formats: https://docs.gitea.com/usage/webhooks, https://forgejo.org/docs/latest/user/webhooks/, and modules/structs/hook.go of
        # go-gitea/gitea
        # `signature: { secret: … }` takes the secret of the webhook.
        type: webhook
        id: gitea
        if_given:
          signature: { signature: { header: X-Gitea-Signature, prefix: "" } }
        normalise:
          cases:
            - match: { attributes.x-gitea-event: push, payload.after: { regex: "^0+$" } }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: deleted", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message: { join: ["{{ .payload.pusher.login }}", "deleted {{ .payload.ref }}"], with: ": " }
                priority: 2
                tags: [gitea, push, deleted]
            - match: { attributes.x-gitea-event: push }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message:
                  join:
                    - "{{ .payload.pusher.login }}"
                    - { from: .payload.head_commit.message, default: { from: ".payload.commits[0].message" } }
                  with: ": "
                priority: 2
                tags: [gitea, push]
                timestamp: { from: .payload.head_commit.timestamp, default: { from: ".payload.commits[0].timestamp" } }
            - match: { attributes.x-gitea-event: [create, delete] }
              set:
                title: "{{ .payload.repository.full_name }}: {{ $attributes[\"x-gitea-event\"] }} {{ .payload.ref_type }} {{ .payload.ref }}"
                message: "{{ .payload.sender.login }}: {{ $attributes[\"x-gitea-event\"] }} {{ .payload.ref_type }} {{ .payload.ref }}"
                priority: 2
                tags: [gitea, "{{ $attributes[\"x-gitea-event\"] }}", "{{ .payload.ref_type }}"]
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
