extension Senders {
    static let haDiscovery = Preset(
        "ha-discovery", .source,
        #"""
        # Home Assistant MQTT discovery: devices that announce themselves, and their states.
        # Formats: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
        type: mqtt
        subscribe:
          - { topic: homeassistant/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/status }
              set:
                title: "Home Assistant is {{ .message }}"
                message: "{{ $subject }}: {{ .message }}"
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [homeassistant, status]
            - match: { subject: +/device/+/config }
              set:
                title: { join: ["Discovered device:", { from: .payload.dev.name }, { from: .payload.device.name }], with: " " }
                message:
                  from: >-
                    .payload | "components: \(.cmps // .components // {} | keys_unsorted | join(", ")) (\((.o // .origin).name))"
                priority: 1
                tags: [homeassistant, discovery, device]
            - match: { subject: +/device_automation/# }
              set:
                title: "Discovered device_automation: {{ .payload.type }}"
                message: { join: ["{{ .payload.device.name }}", "topic {{ .payload.topic }}"] }
                priority: 1
                tags: [homeassistant, discovery, device_automation]
            - match: { subject: [+/+/+/config, +/+/+/+/config] }
              set:
                title: "Discovered {{ $segments[1] }}: {{ .payload.name }}"
                message: { join: ["{{ .payload.device.name }}", "state topic {{ .payload.state_topic }}"] }
                priority: 1
                tags: [homeassistant, discovery, "{{ $segments[1] }}"]
            - match: { subject: +/event/+/state }
              set:
                title: "{{ $segments[2] }}: {{ .payload.event_type }}"
                message: { fields: .payload }
                priority: 3
                tags: [homeassistant, event]
            - match: { subject: +/update/+/state }
              set:
                title: { from: .payload.title, default: "{{ $segments[2] }}" }
                message: { join: ["{{ .payload.installed_version }} → {{ .payload.latest_version }}", "{{ .payload.release_summary }}"], with: ": " }
                priority: 2
                tags: [homeassistant, update]
            - set: { tags: [homeassistant, "{{ $segments[1] }}"] }
        """#)
}
