extension Receivers {
    static let ntfy = Preset(
        "ntfy", .sink,
        #"""
        # ntfy, as JSON: title, priority and tags of each event, on ntfy.sh or a server of your own.
        # Documentation: https://docs.ntfy.sh/publish/#publish-as-json (a message over 4,096 bytes would become an attachment)
        # sinks:
        #   phone:
        #     preset: ntfy
        #     json: { topic: alerts }       # also token: ${env:NTFY_TOKEN}, and url: https://ntfy.example for your own server
        type: webhook
        url: https://ntfy.sh/
        json:
          topic: { required: "the topic, such as alerts" }
          title: { from: .title, limit_bytes: 512, ellipsis: … }
          message: { from: .message, limit_bytes: 4096, ellipsis: … }
          priority: { from: .priority }
          tags: { from: .tags }
        """#,
        checks: [
            PresetCheck("url") { url in
                let topic = PresetCheck.path(of: url)
                guard !topic.isEmpty else { return nil }
                return topic.contains("{")
                    ? "names a topic; write it in json: { topic: … }, and end the address at the host"
                    : "names the topic '\(topic)'; write json: { topic: \(topic) }, and end the address at the host"
            }
        ])
}
