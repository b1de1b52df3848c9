extension Senders {
    static let homeAssistant = Preset(
        "home-assistant", .source,
        #"""
        # Home Assistant statestream: states and attributes of entities over MQTT.
        # Formats: https://www.home-assistant.io/integrations/mqtt_statestream/
        # `base_topic` of the integration is statestream.
        type: mqtt
        subscribe:
          - { topic: statestream/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: [+/+/+/last_changed, +/+/+/last_updated] }
              drop: true
            - match: { subject: +/+/+/state }
              set:
                title: "{{ $segments[1] }}.{{ $segments[2] }}"
                priority: { from: .message, map: { unavailable: 4, problem: 4, triggered: 5 }, default: 2 }
                tags: [homeassistant, "{{ $segments[1] }}"]
            - match: { subject: +/+/+/+ }
              set:
                title: "{{ $segments[1] }}.{{ $segments[2] }} {{ $segments[3] }}"
                priority: 1
                tags: [homeassistant, "{{ $segments[1] }}"]
        """#)
}
