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
            # The time of the commit is not that of the tag.
            - match: { payload.object_kind: tag_push }
              set:
                title: { join: ["{{ .payload.project.path_with_namespace }}: push to", { from: .payload.ref, part: "refs/*/{}" }], with: " " }
                message:
                  join:
                    - "{{ .payload.user_name }}"
                    - { from: ".payload.commits[-1].title", default: { from: ".payload.commits[-1].message", default: no commits } }
                  with: ": "
                priority: 2
                tags: [gitlab, "{{ .payload.object_kind }}"]
                timestamp: null
            - match: { payload.object_kind: push }
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
                title:
                  join:
                    - "{{ .payload.project.path_with_namespace }}"
                    - { join: ["{{ .payload.object_kind }}", { from: .payload.object_attributes.iid }, { from: .payload.object_attributes.action }], with: " " }
                    - { from: .payload.object_attributes.title }
                  with: ": "
                message: { from: .payload.object_attributes.description, default: "{{ .payload.object_attributes.title }}" }
                priority: 3
                tags: [gitlab, "{{ .payload.object_kind }}", "{{ .payload.object_attributes.action }}"]
                timestamp: { from: .payload.object_attributes.updated_at }
            - match: { payload.object_kind: note }
              set:
                title:
                  join:
                    - "{{ .payload.project.path_with_namespace }}"
                    - { join: ["comment on", { from: .payload.object_attributes.noteable_type }], with: " " }
                    - from: .payload.merge_request.title
                      default: { from: .payload.issue.title, default: { from: .payload.commit.message, default: { from: .payload.snippet.title } } }
                  with: ": "
                message: { join: ["{{ .payload.user.username }}", "{{ .payload.object_attributes.note }}"], with: ": " }
                priority: 3
                tags: [gitlab, note, { from: .payload.object_attributes.action }]
                timestamp: { from: .payload.object_attributes.updated_at }
            - match: { payload.object_kind: build }
              set:
                title:
                  join:
                    - { from: .payload.project.path_with_namespace, default: "{{ .payload.project_name }}" }
                    - { join: [job, { from: .payload.build_name }, { from: .payload.build_status }], with: " " }
                  with: ": "
                message: { join: ["{{ .payload.build_stage }} on {{ .payload.ref }}", { from: .payload.commit.message }], with: ": " }
                priority: { from: .payload.build_status, map: { failed: 4 }, default: 2 }
                tags: [gitlab, build, "{{ .payload.build_status }}"]
                timestamp: { from: .payload.build_finished_at }
            - match: { payload.object_kind: access_token }
              set:
                title:
                  join:
                    - { from: .payload.project.path_with_namespace, default: { from: .payload.group.group_path } }
                    - "access token {{ .payload.object_attributes.name }} expires {{ .payload.object_attributes.expires_at }}"
                  with: ": "
                tags: [gitlab, access_token]
                timestamp: null
            - match: { payload.object_kind: pipeline, payload.object_attributes.finished_at: { regex: "." } }
              set:
                title: "{{ .payload.project.path_with_namespace }}: pipeline {{ .payload.object_attributes.id }} {{ .payload.object_attributes.status }}"
                message: "{{ .payload.commit.title }} on {{ .payload.object_attributes.ref }}"
                priority: { from: .payload.object_attributes.status, map: { failed: 4 }, default: 2 }
                tags: [gitlab, pipeline, "{{ .payload.object_attributes.status }}"]
                timestamp: { from: .payload.object_attributes.finished_at }
            - match: { payload.object_kind: pipeline }
              set:
                title: "{{ .payload.project.path_with_namespace }}: pipeline {{ .payload.object_attributes.id }} {{ .payload.object_attributes.status }}"
                message: "{{ .payload.commit.title }} on {{ .payload.object_attributes.ref }}"
                priority: { from: .payload.object_attributes.status, map: { failed: 4 }, default: 2 }
                tags: [gitlab, pipeline, "{{ .payload.object_attributes.status }}"]
                timestamp: null
            - set: { tags: [gitlab, "{{ .payload.object_kind }}"] }
        """#)
}
