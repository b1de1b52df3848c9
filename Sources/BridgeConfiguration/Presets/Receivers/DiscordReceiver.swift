extension Receivers {
    static let discord = Preset(
        "discord", .sink,
        #"""
        # Discord, by a webhook of a channel: an embed with a colour for the priority; mentions call nobody.
        # Documentation: https://docs.discord.com/developers/resources/webhook (title 256, description 4,096, all 6,000)
        # sinks:
        #   chat:
        #     preset: discord
        #     url: ${env:DISCORD_WEBHOOK}
        type: webhook
        json:
          embeds:
            - title:
                when: .title
                then: { from: .title, limit: 256, ellipsis: … }
                else: { when: .message, then: { from: .title }, else: { from: $subject, default: (no text), limit: 256, ellipsis: … } }
              description: { from: .message, limit: 4096, ellipsis: … }
              color: { from: .priority, map: { 1: 9807270, 2: 9807270, 4: 15105570, 5: 15158332 }, default: 3447003 }
              timestamp: "{{ .timestamp }}"
              footer: { when: .tags, then: { text: { from: .tags, with: ", ", limit: 1600, ellipsis: … } } }
          allowed_mentions: { parse: [] }
        retry: { after: .retry_after }
        """#,
        checks: [
            PresetCheck("url") { url in
                let segments = PresetCheck.segments(of: url)
                guard let start = segments.firstIndex(of: "webhooks"), segments.count >= start + 3 else {
                    return "is no webhook of Discord; copy the whole address, such as https://discord.com/api/webhooks/ID/TOKEN"
                }
                return segments.count == start + 3
                    ? nil : "ends with /\(segments[start + 3]), which takes the messages of another program; end it at the token"
            }
        ])
}
