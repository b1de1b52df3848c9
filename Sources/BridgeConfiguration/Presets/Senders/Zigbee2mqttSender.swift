extension Senders {
    static let zigbee2mqtt = Preset(
        "zigbee2mqtt", .source,
        #"""
        # Zigbee2MQTT: states, actions and availability of Zigbee devices.
        # Formats: https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
        type: mqtt
        subscribe:
          - { topic: zigbee2mqtt/#, retained: first_time }
        normalise:
          cases:
            # Names of devices may contain slashes, and so may the base topic.
            - match: { subject: { glob: "*/bridge/state" } }
              set:
                title: { join: [Zigbee2MQTT, "{{ .message }}"], with: " is " }
                message: { join: [The Zigbee2MQTT bridge, "{{ .message }}"], with: " is " }
                priority: { from: .message, map: { offline: 5 }, default: 2 }
                tags: [zigbee2mqtt, bridge, "{{ .message }}"]
            - match: { subject: { glob: "*/bridge/event" } }
              set:
                title: "{{ .payload.type }}: {{ .payload.data.friendly_name }}"
                message: "Zigbee device {{ .payload.data.friendly_name }}: {{ .payload.type }}"
                priority: 3
                tags: [zigbee2mqtt, event, "{{ .payload.type }}"]
            - match: { subject: { glob: "*/bridge/*" } }
              drop: true
            - match: { subject: { glob: "*/availability" } }
              set:
                title: { join: [{ from: $subject, part: ["zigbee2mqtt/{}/availability", "*/zigbee2mqtt/{}/availability", "*/{}/availability"] }, "{{ .message }}"], with: " is " }
                message:
                  join:
                    - { join: [Zigbee2MQTT reports, { from: $subject, part: ["zigbee2mqtt/{}/availability", "*/zigbee2mqtt/{}/availability", "*/{}/availability"] }], with: " " }
                    - "{{ .message }}"
                  with: " as "
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [zigbee2mqtt, availability, "{{ .message }}"]
            - match: { subject: { glob: "*/action" } }
              set:
                title: { from: $subject, part: ["zigbee2mqtt/{}/action", "*/zigbee2mqtt/{}/action", "*/{}/action"] }
                priority: 2
                tags: [zigbee2mqtt, action, "{{ .message }}"]
            - match: { subject: [{ glob: "*/set" }, { glob: "*/set/*" }, { glob: "*/get" }, { glob: "*/get/*" }] }
              drop: true
            - match: { priority: { gte: 4 } }
              set: { title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }, tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }] }
            - set:
                title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }
                priority: 2
                tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }]
        """#)
}
