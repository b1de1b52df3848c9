extension Senders {
    static let esphome = Preset(
        "esphome", .source,
        #"""
        # ESPHome over MQTT: states of entities and availability of nodes.
        # Formats: https://esphome.io/components/mqtt and esphome/components/mqtt/mqtt_component.cpp
        # Topics begin with the name of the node; here with a prefix in front: `topic_prefix: esphome/NODE`.
        type: mqtt
        subscribe:
          - { topic: esphome/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/+/status }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ .message }}"], with: " is " }
                message: { join: ["ESPHome node {{ $segments[1] }}", "{{ .message }}"], with: ": " }
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [esphome, status, "{{ .message }}"]
            - match: { subject: +/+/debug }
              set: { title: "{{ $segments[1] }} log", tags: [esphome, log] }
            - match: { subject: +/+/+/+/command }
              drop: true
            - match: { subject: +/+/alarm_control_panel/+/state }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }}"
                priority: { from: .message, map: { triggered: 5, pending: 4 }, default: 3 }
                tags: [esphome, alarm_control_panel]
            - match: { subject: +/+/+/+/state }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }}"
                message: { fields: .payload }
                # A danger, such as smoke, keeps the priority that it has without the preset.
                priority:
                  from: .priority
                  map: { 4: 4, 5: 5 }
                  default: { from: "$segments[2]", map: { binary_sensor: 2, lock: 3 }, default: "1" }
                tags: [esphome, "{{ $segments[2] }}"]
        """#)
}
