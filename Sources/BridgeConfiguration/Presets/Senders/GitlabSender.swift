extension Senders {
    static let gitlab = Preset(
        "gitlab", .source,
        #"""
        # GitLab: pushes, issues, merge requests and pipelines of projects.
        # Formats: https://docs.gitlab.com/user/project/integrations/webhook_events/
        # `token` takes the secret token of the webhook.
        type: webhook
        id: gitlab
        if_given:
          token: { token_header: X-Gitlab-Token }
        normalise:
          cases:
            - match: { payload.object_kind: [push, tag_push], payload.after: { regex: "^0+$" } }
              set:
                title: { join: ["{{ .payload.project.path_with_namespace }}: deleted", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message: { join: ["{{ .payload.user_name }}", "deleted {{ .payload.ref }}"], with: ": " }
                priority: 2
                tags: [gitlab, "{{ .payload.object_kind }}", deleted]
            - match: { payload.object_kind: [push, tag_push] }
              set:
                title: { join: ["{{ .payload.project.path_with_namespace }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message:
                  join:
                    - "{{ .payload.user_name }}"
                    - { from: ".payload.commits[-1].title", default: { from: ".payload.commits[-1].message", default: no commits } }
                  with: ": "
                priority: 2
                tags: [gitlab, "{{ .payload.object_kind }}"]
                timestamp: { from: ".payload.commits[-1].timestamp" }
            - match: { payload.object_kind: [issue, merge_request] }
              set:
                title: "{{ .payload.project.path_with_namespace }}: {{ .payload.object_kind }} {{ .payload.object_attributes.iid }} {{ .payload.object_attributes.action }}: {{ .payload.object_attributes.title }}"
                message: { from: .payload.object_attributes.description, default: "{{ .payload.object_attributes.title }}" }
                priority: 3
                tags: [gitlab, "{{ .payload.object_kind }}", "{{ .payload.object_attributes.action }}"]
                timestamp: { from: .payload.object_attributes.updated_at }
            - match: { payload.object_kind: pipeline }
              set:
                title: "{{ .payload.project.path_with_namespace }}: pipeline {{ .payload.object_attributes.id }} {{ .payload.object_attributes.status }}"
                message: "{{ .payload.commit.title }} on {{ .payload.object_attributes.ref }}"
                priority: { from: .payload.object_attributes.status, map: { failed: 4 }, default: 2 }
                tags: [gitlab, pipeline, "{{ .payload.object_attributes.status }}"]
            - set: { tags: [gitlab, "{{ .payload.object_kind }}"] }
        """#)
}
