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
            - match: { subject: +/bridge/state }
              set:
                title: "Zigbee2MQTT is {{ .message }}"
                message: "The Zigbee2MQTT bridge is {{ .message }}"
                priority: { from: .message, map: { offline: 5 }, default: 2 }
                tags: [zigbee2mqtt, bridge, "{{ .message }}"]
            - match: { subject: +/bridge/event }
              set:
                title: "{{ .payload.type }}: {{ .payload.data.friendly_name }}"
                message: "Zigbee device {{ .payload.data.friendly_name }}: {{ .payload.type }}"
                priority: 3
                tags: [zigbee2mqtt, event, "{{ .payload.type }}"]
            - match: { subject: +/bridge/# }
              drop: true
            - match: { subject: +/+/availability }
              set:
                title: "{{ $segments[1] }} is {{ .message }}"
                message: "Zigbee2MQTT reports {{ $segments[1] }} as {{ .message }}"
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [zigbee2mqtt, availability, "{{ .message }}"]
            - match: { subject: +/+/action }
              set:
                title: "{{ $segments[1] }}"
                priority: 2
                tags: [zigbee2mqtt, action, "{{ .message }}"]
            # Names of devices may contain slashes.
            - match: { subject: [{ glob: "*/set" }, { glob: "*/set/*" }, { glob: "*/get" }, { glob: "*/get/*" }] }
              drop: true
            - match: { priority: { gte: 4 } }
              set: { tags: [zigbee2mqtt, "{{ $segments[1] }}"] }
            - set:
                priority: 2
                tags: [zigbee2mqtt, "{{ $segments[1] }}"]
        """#)
}
