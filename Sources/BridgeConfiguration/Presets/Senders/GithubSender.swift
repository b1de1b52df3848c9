extension Senders {
    static let github = Preset(
        "github", .source,
        #"""
        # GitHub: pushes, issues, pull requests, workflows and releases of repositories.
        # Formats: https://docs.github.com/webhooks/webhook-events-and-payloads (both content types)
        # `signature: { secret: … }` takes the secret of the webhook.
        type: webhook
        id: github
        normalise:
          cases:
            - match: { attributes.x-github-event: ping }
              drop: true
            - match: { attributes.x-github-event: push, payload.deleted: true }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: deleted", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message: { join: ["{{ .payload.pusher.name }}", "deleted {{ .payload.ref }}"], with: ": " }
                priority: 2
                tags: [github, push, deleted]
            # The time of the commit is not that of the tag.
            - match: { attributes.x-github-event: push, payload.ref: { regex: "^refs/tags/" } }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message: { join: ["{{ .payload.pusher.name }}", "{{ .payload.head_commit.message }}"], with: ": " }
                priority: 2
                tags: [github, push]
                timestamp: null
            - match: { attributes.x-github-event: push }
              set:
                title: { join: ["{{ .payload.repository.full_name }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message: { join: ["{{ .payload.pusher.name }}", "{{ .payload.head_commit.message }}"], with: ": " }
                priority: 2
                tags: [github, push]
                timestamp: { from: .payload.head_commit.timestamp }
            - match: { attributes.x-github-event: [create, delete] }
              set:
                title: "{{ .payload.repository.full_name }}: {{ $attributes[\"x-github-event\"] }} {{ .payload.ref_type }} {{ .payload.ref }}"
                message: "{{ .payload.sender.login }}: {{ $attributes[\"x-github-event\"] }} {{ .payload.ref_type }} {{ .payload.ref }}"
                priority: 2
                tags: [github, "{{ $attributes[\"x-github-event\"] }}", "{{ .payload.ref_type }}"]
            - match: { attributes.x-github-event: issues, payload.action: deleted }
              set:
                title: "{{ .payload.repository.full_name }}: issue {{ .payload.issue.number }} deleted: {{ .payload.issue.title }}"
                message: { join: ["{{ .payload.sender.login }}", "deleted {{ .payload.issue.title }}"], with: ": " }
                priority: 3
                tags: [github, issues, deleted]
                timestamp: null
            - match: { attributes.x-github-event: issues }
              set:
                title: "{{ .payload.repository.full_name }}: issue {{ .payload.issue.number }} {{ .payload.action }}: {{ .payload.issue.title }}"
                message: { from: .payload.issue.body, default: "{{ .payload.issue.title }}" }
                priority: 3
                tags: [github, issues, "{{ .payload.action }}"]
                timestamp: { from: .payload.issue.updated_at }
            - match: { attributes.x-github-event: issue_comment, payload.action: deleted }
              set:
                title: "{{ .payload.repository.full_name }}: comment deleted on {{ .payload.issue.number }}: {{ .payload.issue.title }}"
                message: "{{ .payload.sender.login }} deleted the comment of {{ .payload.comment.user.login }}: {{ .payload.comment.body }}"
                priority: 3
                tags: [github, issue_comment, deleted]
                timestamp: null
            - match: { attributes.x-github-event: issue_comment }
              set:
                title: "{{ .payload.repository.full_name }}: comment on {{ .payload.issue.number }}: {{ .payload.issue.title }}"
                message: "{{ .payload.comment.user.login }}: {{ .payload.comment.body }}"
                priority: 3
                tags: [github, issue_comment, "{{ .payload.action }}"]
                timestamp: { from: .payload.comment.updated_at }
            - match: { attributes.x-github-event: pull_request_review, payload.action: submitted }
              set:
                title: "{{ .payload.repository.full_name }}: review of {{ .payload.pull_request.number }}: {{ .payload.review.state }}: {{ .payload.pull_request.title }}"
                message: { join: ["{{ .payload.review.user.login }}", { from: .payload.review.body, default: { from: .payload.review.state } }], with: ": " }
                priority: 3
                tags: [github, pull_request_review, { from: .payload.review.state }]
                timestamp: { from: .payload.review.submitted_at }
            - match: { attributes.x-github-event: pull_request_review }
              set:
                title: "{{ .payload.repository.full_name }}: review of {{ .payload.pull_request.number }} {{ .payload.action }}: {{ .payload.pull_request.title }}"
                message: { join: ["{{ .payload.review.user.login }}", { from: .payload.review.body, default: { from: .payload.review.state } }], with: ": " }
                priority: 3
                tags: [github, pull_request_review, "{{ .payload.action }}"]
                timestamp: null
            - match: { attributes.x-github-event: pull_request_review_comment, payload.action: deleted }
              set:
                title: "{{ .payload.repository.full_name }}: comment deleted on {{ .payload.pull_request.number }}: {{ .payload.pull_request.title }}"
                message: "{{ .payload.sender.login }} deleted the comment of {{ .payload.comment.user.login }}: {{ .payload.comment.body }}"
                priority: 3
                tags: [github, pull_request_review_comment, deleted]
                timestamp: null
            - match: { attributes.x-github-event: pull_request_review_comment }
              set:
                title: "{{ .payload.repository.full_name }}: comment on {{ .payload.pull_request.number }}: {{ .payload.pull_request.title }}"
                message: "{{ .payload.comment.user.login }}: {{ .payload.comment.body }}"
                priority: 3
                tags: [github, pull_request_review_comment, "{{ .payload.action }}"]
                timestamp: { from: .payload.comment.updated_at }
            - match: { attributes.x-github-event: pull_request, payload.action: closed, payload.pull_request.merged: true }
              set:
                title: "{{ .payload.repository.full_name }}: pull request {{ .payload.number }} merged: {{ .payload.pull_request.title }}"
                message: { from: .payload.pull_request.body, default: "{{ .payload.pull_request.title }}" }
                priority: 3
                tags: [github, pull_request, merged]
                timestamp: { from: .payload.pull_request.merged_at, default: { from: .payload.pull_request.updated_at } }
            - match: { attributes.x-github-event: pull_request }
              set:
                title: "{{ .payload.repository.full_name }}: pull request {{ .payload.number }} {{ .payload.action }}: {{ .payload.pull_request.title }}"
                message: { from: .payload.pull_request.body, default: "{{ .payload.pull_request.title }}" }
                priority: 3
                tags: [github, pull_request, "{{ .payload.action }}"]
                timestamp: { from: .payload.pull_request.updated_at }
            - match: { attributes.x-github-event: workflow_run, payload.action: completed }
              set:
                title: "{{ .payload.repository.full_name }}: workflow {{ .payload.workflow_run.name }} {{ .payload.workflow_run.conclusion }}"
                message: "{{ .payload.workflow_run.display_title }} on {{ .payload.workflow_run.head_branch }}"
                priority: { from: .payload.workflow_run.conclusion, map: { failure: 4, timed_out: 4, action_required: 4 }, default: 2 }
                tags: [github, workflow_run, "{{ .payload.workflow_run.conclusion }}"]
                timestamp: { from: .payload.workflow_run.updated_at }
            - match: { attributes.x-github-event: [check_run, workflow_job], payload.action: completed }
              set:
                tags: [github, "{{ $attributes[\"x-github-event\"] }}", completed]
                timestamp: { from: .payload.check_run.completed_at, default: { from: .payload.workflow_job.completed_at } }
            - match: { attributes.x-github-event: release, payload.action: published }
              set:
                title: "{{ .payload.repository.full_name }}: release {{ .payload.release.tag_name }} {{ .payload.action }}"
                priority: 3
                tags: [github, release, "{{ .payload.action }}"]
                timestamp: { from: .payload.release.published_at }
            # A draft has no time of its own, and a release that is edited or deleted an old one.
            - match: { attributes.x-github-event: release }
              set:
                title: "{{ .payload.repository.full_name }}: release {{ .payload.release.tag_name }} {{ .payload.action }}"
                priority: 3
                tags: [github, release, "{{ .payload.action }}"]
                timestamp: null
            - match: { payload.action: [deleted, queued, in_progress, requested, waiting] }
              set:
                tags: [github, "{{ $attributes[\"x-github-event\"] }}", "{{ .payload.action }}"]
                timestamp: null
            - set:
                tags: [github, "{{ $attributes[\"x-github-event\"] }}", "{{ .payload.action }}"]
        """#)
}
