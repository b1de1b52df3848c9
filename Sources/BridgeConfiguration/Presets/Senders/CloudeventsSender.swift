extension Senders {
    static let cloudevents = Preset(
        "cloudevents", .source,
        #"""
        # CloudEvents over HTTP: structured, binary and batched.
        # Formats: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
        type: webhook
        id: cloudevents
        normalise:
          cases:
            - match: { attributes.ce-type: { regex: "." } }
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
