extension Receivers {
    static let telegram = Preset(
        "telegram", .sink,
        #"""
        # Telegram, by a bot: the title in bold; silent for the priorities 1 and 2.
        # Documentation: https://core.telegram.org/bots/api#sendmessage (4,096 characters without markup)
        # sinks:
        #   chat:
        #     preset: telegram
        #     url: https://api.telegram.org/bot${env:TELEGRAM_TOKEN}/sendMessage
        #     json: { chat_id: "-100123" }
        type: webhook
        json:
          chat_id: { required: "the chat, such as '-100123' or '@channel'" }
          text:
            join: [{ from: .title, before: <b>, after: </b> }, { from: .message }]
            with: "\n"
            default: { from: $subject, default: (no text) }
            escape: html
            limit: 4096
            ellipsis: …
          parse_mode: HTML
          disable_notification: { from: .priority, map: { 1: true, 2: true }, default: false }
        success: .ok
        retry: { after: .parameters.retry_after }
        """#,
        checks: [
            PresetCheck("url") { url in
                let segments = PresetCheck.segments(of: url)
                guard segments.last?.lowercased() == "sendmessage" else {
                    return "does not end with /sendMessage; write https://api.telegram.org/bot${env:TELEGRAM_TOKEN}/sendMessage"
                }
                return segments.dropLast().contains { $0.hasPrefix("bot") }
                    ? nil : "has no token; write 'bot' and the token in front of /sendMessage, such as /bot123:ABC/sendMessage"
            }
        ])
}
