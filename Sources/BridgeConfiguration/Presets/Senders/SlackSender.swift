extension Senders {
    static let slack = Preset(
        "slack", .source,
        #"""
        # Senders of Slack's incoming webhooks: texts, blocks and attachments.
        # Formats: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (also as a form with payload=)
        # For events of Slack itself, `signature: { secret: … }` takes the signing secret of the app.
        type: webhook
        id: slack
        if_given:
          signature: { signature: { scheme: slack } }
        """#)
}
