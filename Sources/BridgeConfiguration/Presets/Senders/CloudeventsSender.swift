extension Senders {
    static let cloudevents = Preset(
        "cloudevents", .source,
        #"""
        # CloudEvents over HTTP: structured, binary and batched.
        # Formats: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
        type: webhook
        id: cloudevents
        normalise:
          # The webhook divides a batch by its type; a list of another type has events too.
          split: .payload
          cases:
            - match: { attributes.ce-type: { exists: true } }
              set:
                title: "{{ $attributes[\"ce-type\"] }}"
                message: { join: ["{{ $attributes[\"ce-subject\"] }}", { fields: .payload }], with: ": " }
                priority: 3
                tags: [cloudevents, "{{ $attributes[\"ce-type\"] }}"]
            - set:
                title: "{{ .payload.type }}"
                message: { join: ["{{ .payload.subject }}", { fields: .payload.data }], with: ": " }
                priority: 3
                tags: [cloudevents, "{{ .payload.type }}"]
        """#)
}
