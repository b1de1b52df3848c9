extension Receivers {
    static let homeAssistant = Preset(
        "home-assistant", .sink,
        #"""
        # Home Assistant, by a webhook trigger of an automation, which finds the event in trigger.json.
        # Documentation: https://www.home-assistant.io/docs/automation/trigger/#webhook-trigger (unknown ids get 200 too)
        # sinks:
        #   house:
        #     preset: home-assistant
        #     url: http://homeassistant.local:8123/api/webhook/${env:HA_WEBHOOK}
        type: webhook
        json:
          id: "{{ .id }}"
          title: { from: .title }
          message: "{{ .message }}"
          priority: { from: .priority }
          tags: { from: .tags }
          timestamp: "{{ .timestamp }}"
          source: "{{ $source }}"
          subject: { from: $subject }
          payload: "{{ .payload }}"
        """#,
        checks: [
            .url(
                endsWith: ["api", "webhook", "*"],
                else:
                    "does not end with /api/webhook/ID; write the id of a webhook trigger, such as http://homeassistant.local:8123/api/webhook/ID"
            )
        ])
}
