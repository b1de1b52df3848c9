extension Senders {
    static let zwaveJsUi = Preset(
        "zwave-js-ui", .source,
        #"""
        # Z-Wave JS UI: values, events and status of Z-Wave nodes.
        # Formats: https://zwave-js.github.io/zwave-js-ui/#/guide/mqtt and .../usage/setup (gateway type "Named topics")
        # Topics are zwave/LOCATION/NODE/CLASS/ENDPOINT/PROPERTY; nodes need a location.
        type: mqtt
        subscribe:
          - { topic: zwave/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/_EVENTS/+/node/node_value_notification }
              set:
                title: "{{ .payload.data[0].name }}: {{ $segments[4] }}"
                message: "{{ .payload.data[1].commandClassName }} {{ .payload.data[1].property }} {{ .payload.data[1].propertyKey }}: {{ .payload.data[1].value }}"
                priority: 2
                tags: [zwave, node_value_notification]
            - match: { subject: +/_EVENTS/+/node/# }
              set:
                title: "{{ .payload.data[0].name }}: {{ $segments[4] }}"
                priority: { from: "$segments[4]", map: { node_dead: 4, node_notification: 3 }, default: 1 }
                tags: [zwave, "{{ $segments[4] }}"]
            - match: { subject: [+/_EVENTS/#, +/_CLIENTS/+/api/#, +/+/+/+/+/+/set] }
              drop: true
            - match: { subject: +/_CLIENTS/+/status }
              set:
                title: { join: [Z-Wave JS UI, { from: .payload.value, map: { "true": is online, "false": is offline }, default: status }], with: " " }
                priority: { from: .payload.value, map: { "false": 4 }, default: 2 }
                tags: [zwave, status]
            - match: { subject: [+/+/+/status, +/+/+/lastActive] }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} {{ $segments[3] }}"
                priority: 1
                tags: [zwave, "{{ $segments[3] }}"]
            - match: { subject: +/+/+/+/+/# }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ $segments[2] }}", "{{ $segments[5] }}", "{{ $segments[6] }}"], with: " " }
                priority: 3
                tags: [zwave, "{{ $segments[3] }}"]
                timestamp: { from: .payload.time }
            - set: { tags: [zwave] }
        """#)
}
