extension Receivers {
    static let mattermost = Preset(
        "mattermost", .sink,
        #"""
        # Mattermost, by an incoming webhook: the title in bold, and the message; mentions call nobody.
        # Documentation: https://developers.mattermost.com/integrate/webhooks/incoming/ (16,383 characters)
        # sinks:
        #   chat:
        #     preset: mattermost
        #     url: ${env:MATTERMOST_WEBHOOK}    # also json: { channel: alerts, username: streambridge }
        type: webhook
        json:
          text:
            join: [{ from: .title, before: "**", after: "**" }, { from: .message }]
            with: "\n"
            default: { from: $subject, default: (no text) }
            # A space without width: @channel, @all and @here call nobody.
            replace: { "@": "@\u200B" }
            limit: 16300
            ellipsis: …
        """#,
        checks: [
            .url(
                endsWith: ["hooks", "*"],
                else:
                    "does not end with /hooks/KEY; copy the address of the incoming webhook, such as https://chat.example/hooks/KEY"
            )
        ])
}
