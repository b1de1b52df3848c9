extension Receivers {
    static let slack = Preset(
        "slack", .sink,
        #"""
        # Slack, by an incoming webhook: a header, the message, and tags below it.
        # Documentation: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        # sinks:
        #   chat:
        #     preset: slack
        #     url: ${env:SLACK_WEBHOOK}
        type: webhook
        json:
          text: { join: [{ from: .title }, { from: .message }], with: ": ", default: { from: $subject, default: (no text) }, escape: mrkdwn, limit: 3000, ellipsis: … }
          blocks:
            - when: .title
              then: { type: header, text: { type: plain_text, text: { from: .title, limit: 150, ellipsis: … }, emoji: true } }
            - type: section
              text: { type: mrkdwn, text: { from: .message, default: { from: .title, default: { from: $subject, default: (no text) } }, escape: mrkdwn, limit: 3000, ellipsis: … } }
            - when: .tags
              then:
                type: context
                elements: [{ type: mrkdwn, text: { from: .tags, with: ", ", escape: mrkdwn, limit: 2000, ellipsis: … } }]
        """#,
        checks: [
            PresetCheck("url") { url in
                guard PresetCheck.host(of: url).hasPrefix("hooks.slack") else { return nil }
                return PresetCheck.segments(of: url).first == "services" && PresetCheck.segments(of: url).count == 4
                    ? nil : "is no incoming webhook; write one such as https://hooks.slack.com/services/T0/B0/KEY"
            }
        ])
}
