extension Senders {
    static let hue = Preset(
        "hue", .source,
        #"""
        # Philips Hue bridge: changes of lights, scenes and sensors over SSE.
        # Formats: https://developers.meethue.com/develop/hue-api-v2/migration-guide-to-the-new-hue-api/ (event stream)
        # `url` is https://BRIDGE/eventstream/clip/v2; `headers` has hue-application-key; the certificate of the bridge needs `tls`.
        type: sse
        idle_timeout: 10m
        normalise:
          split: .payload
          cases:
            - set:
                title: "{{ .payload.type }}"
                message:
                  from: >-
                    [.payload.data[] | "\([.type, .id_v1] | map(select(.)) | join(" ")): \([to_entries[]
                    | select(.key | IN("id", "id_v1", "owner", "type") | not)
                    | .key + " " + (.value | if type == "object" then ([.[] | scalars] | map(tostring) | join(", ")) else tostring end)] | join(", "))"]
                    | join("; ")
                priority: 2
                tags: { from: '["hue", .payload.type] + [.payload.data[].type] | reduce .[] as $tag ([]; if index([$tag]) then . else . + [$tag] end)' }
                timestamp: { from: .payload.creationtime }
        """#)
}
