extension Senders {
    static let healthchecks = Preset(
        "healthchecks", .source,
        #"""
        # Healthchecks: checks that go down and come up again, by the integration "Webhook".
        # Formats: https://healthchecks.io/docs/configuring_notifications/#webhook and /docs/api/ (body $JSON, or text with $NAME)
        type: webhook
        id: healthchecks
        normalise:
          cases:
            - match: { payload.status: { regex: "." }, payload.last_ping: { regex: "." } }
              set:
                title:
                  join: [{ from: .payload.name, default: { from: .payload.slug, default: "{{ .payload.uuid }}" } }, "is {{ .payload.status }}"]
                  with: " "
                message: "last ping {{ .payload.last_ping }}"
                priority: { from: .payload.status, map: { down: 5, grace: 4 }, default: 2 }
                tags: { from: '["healthchecks", .payload.status] + ((.payload.tags // "") | split(" ")) | map(select(. != ""))' }
            - match: { payload.status: { regex: "." } }
              set:
                title:
                  join: [{ from: .payload.name, default: { from: .payload.slug, default: "{{ .payload.uuid }}" } }, "is {{ .payload.status }}"]
                  with: " "
                message: no ping yet
                priority: { from: .payload.status, map: { down: 5, grace: 4 }, default: 2 }
                tags: { from: '["healthchecks", .payload.status] + ((.payload.tags // "") | split(" ")) | map(select(. != ""))' }
            - match: { message: { regex: "is up$" } }
              set: { title: "{{ .message }}", priority: 2, tags: [healthchecks] }
            - match: { message: { regex: "is down$" } }
              set: { title: "{{ .message }}", priority: 5, tags: [healthchecks] }
            - set: { tags: [healthchecks] }
        """#)
}
