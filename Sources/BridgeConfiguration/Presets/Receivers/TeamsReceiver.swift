extension Receivers {
    static let teams = Preset(
        "teams", .sink,
        #"""
        # Microsoft Teams, by a workflow that a webhook starts: an Adaptive Card.
        # Documentation: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
        # sinks:
        #   chat:
        #     preset: teams
        #     url: ${env:TEAMS_WORKFLOW}
        type: webhook
        json:
          type: message
          attachments:
            - contentType: application/vnd.microsoft.card.adaptive
              contentUrl: null
              content:
                $schema: http://adaptivecards.io/schemas/adaptive-card.json
                type: AdaptiveCard
                version: "1.4"
                body:
                  - when: .title
                    then:
                      type: TextBlock
                      text: { from: .title, limit_bytes: 1024, ellipsis: … }
                      weight: Bolder
                      size: Large
                      wrap: true
                      color: { from: .priority, map: { 4: Warning, 5: Attention }, default: Default }
                  # One line break is a space in a card. 28 KB are the most, in which a quote and a line break have two bytes.
                  - when: .message
                    then:
                      type: TextBlock
                      text: { from: .message, replace: { "\n": "\n\n" }, limit_bytes: 12000, ellipsis: … }
                      wrap: true
                msteams: { width: full }
        """#,
        checks: [
            PresetCheck("url") { url in
                PresetCheck.segments(of: url).contains("triggers") && !url.contains("sig=")
                    ? "has no sig=; copy the whole address of the workflow, and write it in quotes" : nil
            }
        ])
}
