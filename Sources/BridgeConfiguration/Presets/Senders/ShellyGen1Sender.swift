extension Senders {
    static let shellyGen1 = Preset(
        "shelly-gen1", .source,
        #"""
        # Shelly Gen1: relays, inputs, meters and sensors of devices over MQTT.
        # Formats: https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support
        type: mqtt
        subscribe:
          - { topic: shellies/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: shellies/+/online }
              set:
                title: { from: .message, map: { "true": "{{ $segments[1] }} is online", "false": "{{ $segments[1] }} is offline" } }
                message: { from: .message, map: { "true": online, "false": offline } }
                priority: { from: .message, map: { "false": 4 }, default: 2 }
                tags: [shelly, online]
            - match: { subject: [shellies/command, shellies/+/command, shellies/+/+/+/command] }
              drop: true
            - match: { subject: shellies/announce }
              set: { title: "{{ .payload.id }}", priority: 1, tags: [shelly, announce] }
            - match: { subject: [shellies/+/announce, shellies/+/info] }
              set: { title: "{{ $segments[1] }}", priority: 1, tags: [shelly, "{{ $segments[2] }}"] }
            - match: { subject: [shellies/+/sensor/flood, shellies/+/sensor/smoke, shellies/+/sensor/gas] }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }}"
                priority: { from: .message, map: { "true": 5, heavy: 5, mild: 5 }, default: 1 }
                tags: [shelly, "{{ $segments[3] }}"]
            - match: { subject: shellies/+/sensor/+ }
              set: { title: "{{ $segments[1] }} {{ $segments[3] }}", priority: 1, tags: [shelly, "{{ $segments[3] }}"] }
            - match: { subject: [shellies/+/relay/+, shellies/+/light/+, shellies/+/roller/+] }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} {{ $segments[3] }}"
                priority: 2
                tags: [shelly, "{{ $segments[2] }}"]
            - match: { subject: shellies/+/# }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ $segments[2] }}", "{{ $segments[3] }}", "{{ $segments[4] }}"], with: " " }
                priority: 1
                tags: [shelly, "{{ $segments[2] }}"]
        """#)
}
