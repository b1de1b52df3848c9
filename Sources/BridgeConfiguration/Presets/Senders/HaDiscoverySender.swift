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
                title: { join: ["Home Assistant", "{{ .message }}"], with: " is " }
                message: { join: ["{{ $subject }}", "{{ .message }}"], with: ": " }
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [homeassistant, status]
            - match: { subject: +/device/+/config }
              set:
                title: { join: ["Discovered device:", { from: .payload.dev.name }, { from: .payload.device.name }], with: " " }
                message:
                  from: >-
                    .payload | "components: \(.cmps // .components // {} | keys_unsorted | join(", "))"
                    + ((.o // .origin // {}).name | if . then " (\(.))" else "" end)
                priority: 1
                tags: [homeassistant, discovery, device]
            - match: { subject: +/device_automation/# }
              set:
                title: { join: ["Discovered device_automation", { from: .payload.type, default: "{{ .payload.stype }}" }], with: ": " }
                message:
                  join:
                    - { from: .payload.device.name, default: "{{ .payload.dev.name }}" }
                    - { join: [topic, { from: .payload.topic, default: "{{ .payload.t }}" }], with: " " }
                priority: 1
                tags: [homeassistant, discovery, device_automation]
            - match: { subject: [+/+/+/config, +/+/+/+/config] }
              set:
                title:
                  join:
                    - "Discovered {{ $segments[1] }}"
                    - from: .payload.name
                      default: { from: .payload.unique_id, default: { from: .payload.uniq_id, default: "{{ $segments[-2] }}" } }
                  with: ": "
                # `~` at an end of a topic stands for the base topic.
                message:
                  from: >-
                    .payload | .["~"] as $base | [.device.name // .dev.name, ((.state_topic // .stat_t // empty)
                    | if $base and startswith("~") then $base + .[1:] elif $base and endswith("~") then .[:-1] + $base else . end
                    | "state topic " + .)] | map(select(.)) | join(", ")
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
