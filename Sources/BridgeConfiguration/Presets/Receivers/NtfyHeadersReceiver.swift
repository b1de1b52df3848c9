extension Receivers {
    static let ntfyHeaders = Preset(
        "ntfy-headers", .sink,
        #"""
        # ntfy, with the message as the body and everything else in headers.
        # Documentation: https://docs.ntfy.sh/publish/#list-of-all-parameters (a message over 4,096 bytes becomes an attachment, or is refused)
        # `body: { from: .message, limit_bytes: 4096, ellipsis: … }` cuts it instead.
        # sinks:
        #   phone:
        #     preset: ntfy-headers
        #     url: https://ntfy.sh/alerts    # the topic is the path; also token: ${env:NTFY_TOKEN}
        type: webhook
        headers:
          x-title: { from: .title, replace: { "\n": " ", "\r": " " }, limit_bytes: 1024, ellipsis: … }
          x-priority: { from: .priority }
          x-tags: { from: .tags, with: ",", limit_bytes: 1024, ellipsis: … }
        body: "{{ .message }}"
        """#,
        checks: [
            PresetCheck("url") { url in
                PresetCheck.path(of: url).isEmpty ? "has no topic; write it as the path, such as https://ntfy.sh/alerts" : nil
            }
        ])
}
