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
            # The time of the commit is not that of the tag.
            - match: { attributes.x-gitea-event: push, payload.ref: { regex: "^refs/tags/" } }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message:
                  join:
                    - "{{ .payload.pusher.login }}"
                    - { from: .payload.head_commit.message, default: { from: ".payload.commits[0].message" } }
                  with: ": "
                priority: 2
                tags: [gitea, push]
                timestamp: null
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
            - match: { attributes.x-gitea-event: issue_comment, payload.action: deleted }
              set:
                title: "{{ .payload.repository.full_name }}: comment deleted on {{ .payload.issue.number }}: {{ .payload.issue.title }}"
                message: "{{ .payload.sender.login }} deleted the comment of {{ .payload.comment.user.login }}: {{ .payload.comment.body }}"
                priority: 3
                tags: [gitea, issue_comment, deleted]
                timestamp: null
            - match: { attributes.x-gitea-event: issue_comment }
              set:
                title: "{{ .payload.repository.full_name }}: comment on {{ .payload.issue.number }}: {{ .payload.issue.title }}"
                message: { join: [{ from: .payload.comment.user.login, default: "{{ .payload.sender.login }}" }, "{{ .payload.comment.body }}"], with: ": " }
                priority: 3
                tags: [gitea, issue_comment, "{{ .payload.action }}"]
                timestamp: { from: .payload.comment.updated_at }
            - match: { attributes.x-gitea-event: pull_request_approved }
              set:
                title: "{{ .payload.repository.full_name }}: review of {{ .payload.number }}: approved: {{ .payload.pull_request.title }}"
                message: { join: ["{{ .payload.sender.login }}", { from: .payload.review.content, default: approved }], with: ": " }
                priority: 3
                tags: [gitea, review, approved]
                timestamp: null
            - match: { attributes.x-gitea-event: pull_request_rejected }
              set:
                title: "{{ .payload.repository.full_name }}: review of {{ .payload.number }}: rejected: {{ .payload.pull_request.title }}"
                message: { join: ["{{ .payload.sender.login }}", { from: .payload.review.content, default: rejected }], with: ": " }
                priority: 3
                tags: [gitea, review, rejected]
                timestamp: null
            - match: { attributes.x-gitea-event: pull_request_comment }
              set:
                title: "{{ .payload.repository.full_name }}: review of {{ .payload.number }}: comment: {{ .payload.pull_request.title }}"
                message: { join: ["{{ .payload.sender.login }}", { from: .payload.review.content, default: comment }], with: ": " }
                priority: 3
                tags: [gitea, review, comment]
                timestamp: null
            - match: { attributes.x-gitea-event: pull_request, payload.action: closed, payload.pull_request.merged: true }
              set:
                title: "{{ .payload.repository.full_name }}: pull request {{ .payload.number }} merged: {{ .payload.pull_request.title }}"
                message: { from: .payload.pull_request.body, default: "{{ .payload.pull_request.title }}" }
                priority: 3
                tags: [gitea, pull_request, merged]
                timestamp: { from: .payload.pull_request.merged_at, default: { from: .payload.pull_request.updated_at } }
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
