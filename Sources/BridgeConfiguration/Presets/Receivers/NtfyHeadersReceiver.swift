extension Receivers {
    static let ntfyHeaders = Preset(
        "ntfy-headers", .sink,
        #"""
        # ntfy, with the message as the body and everything else in headers.
        # Documentation: https://docs.ntfy.sh/publish/#list-of-all-parameters
        # sinks:
        #   phone:
        #     preset: ntfy-headers
        #     url: https://ntfy.sh/alerts    # the topic is the path; also token: ${env:NTFY_TOKEN}
        type: webhook
        headers:
          x-title: { from: .title }
          x-priority: { from: .priority }
          x-tags: { from: .tags, with: "," }
        body: "{{ .message }}"
        """#)
}
