extension Senders {
    static let shellyGen1 = Preset(
        "shelly-gen1", .source,
        #"""
        # Shelly Gen1: relays, inputs, meters and sensors of devices over MQTT.
        # Formats: https://shelly-api-docs.shelly.cloud/gen1/ (MQTT, and the topics of each device)
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
            - match: { subject: [shellies/command, shellies/+/command, shellies/+/+/+/command, shellies/+/+/+/set] }
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
            # Short and long pushes of a button.
            - match: { subject: shellies/+/input_event/+ }
              set:
                title: "{{ $segments[1] }} input {{ $segments[3] }}"
                message: { from: .payload.event, map: { S: short push, SS: two short pushes, SSS: three short pushes, L: long push, SL: short and long push, LS: long and short push, "": none }, default: "{{ .payload.event }}" }
                priority: 2
                tags: [shelly, input_event]
            - match: { subject: shellies/+/overtemperature }
              set:
                title: "{{ $segments[1] }} overtemperature"
                priority: { from: .message, map: { 1: 5, "true": 5 }, default: 1 }
                tags: [shelly, overtemperature]
            - match: { subject: shellies/+/temperature_status }
              set:
                title: "{{ $segments[1] }} temperature"
                priority: { from: .message, map: { High: 4, Very High: 5 }, default: 1 }
                tags: [shelly, temperature_status]
            - match: { subject: shellies/+/loaderror }
              set:
                title: "{{ $segments[1] }} load error"
                priority: { from: .message, map: { 1: 4, "true": 4 }, default: 1 }
                tags: [shelly, loaderror]
            - match: { subject: [shellies/+/relay/+, shellies/+/roller/+], message: overpower }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} {{ $segments[3] }} overpower"
                priority: 4
                tags: [shelly, overpower]
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
