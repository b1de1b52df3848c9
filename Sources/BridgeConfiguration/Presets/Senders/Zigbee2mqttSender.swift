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
                title: { join: [{ join: ["{{ .payload.type }}", { from: .payload.data.status }], with: " " }, { from: .payload.data.friendly_name }], with: ": " }
                message: { join: ["Zigbee device {{ .payload.data.friendly_name }}:", "{{ .payload.type }}", { from: .payload.data.status }], with: " " }
                priority: { from: .payload.data.status, map: { failed: 4 }, default: 3 }
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
                priority: { from: .message, map: { emergency: 5, panic: 5, sos: 5 }, default: 2 }
                tags: [zigbee2mqtt, action, "{{ .message }}"]
            - match: { subject: [{ glob: "*/set" }, { glob: "*/set/*" }, { glob: "*/get" }, { glob: "*/get/*" }] }
              drop: true
            - match: { payload.action: { regex: "^(emergency|panic|sos)$" } }
              set: { title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }, priority: 5, tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }] }
            - match: { payload.fault: { regex: "^(over|under|short|leak|motor|sensor|other)" } }
              set: { title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }, priority: { from: .priority, map: { 5: 5 }, default: 4 }, tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }] }
            - match: { priority: { gte: 4 } }
              set: { title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }, tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }] }
            - set:
                title: { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }
                priority: 2
                tags: [zigbee2mqtt, { from: $subject, part: ["zigbee2mqtt/{}", "*/zigbee2mqtt/{}", "*/{}"] }]
        """#)
}
