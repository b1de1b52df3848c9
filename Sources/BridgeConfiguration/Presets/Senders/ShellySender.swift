extension Senders {
    static let shelly = Preset(
        "shelly", .source,
        #"""
        # Shelly Gen2 and later: notifications and status of devices over MQTT.
        # Formats: https://shelly-api-docs.shelly.cloud/gen2/General/Notifications and .../gen2/ComponentsAndServices/Mqtt
        # "RPC over MQTT" and "Status notifications" must be on; each device has its own prefix, such as shellyplus1-0a1b2c3d4e5f.
        type: mqtt
        subscribe:
          - { topic: +/events/rpc }
          - { topic: +/online, retained: first_time }
          - { topic: +/status/# }
        normalise:
          cases:
            - match: { payload.method: NotifyEvent }
              set:
                title: "{{ .payload.src }} NotifyEvent"
                message: "{{ .payload.params.events[0].component }}: {{ .payload.params.events[0].event }}"
                priority: 3
                tags: [shelly, "{{ .payload.params.events[0].component }}"]
                timestamp: { from: .payload.params.ts }
            - match: { payload.method: [NotifyStatus, NotifyFullStatus] }
              set:
                title: "{{ .payload.src }} {{ .payload.method }}"
                message: { fields: .payload.params, except: [ts, id] }
                # A danger, such as smoke, keeps the priority that it has without the preset.
                priority: { from: .priority, map: { 4: 4, 5: 5 }, default: 2 }
                tags: [shelly, { from: .payload.params, names: true, except: ts }]
                timestamp: { from: .payload.params.ts }
            # Other devices have such topics too; those of a Shelly with a prefix of its own are read automatically.
            - match: { subject: { glob: "shelly*/online" } }
              set:
                title: { from: .message, map: { "true": "{{ $segments[0] }} is online", "false": "{{ $segments[0] }} is offline" } }
                message: { from: .message, map: { "true": online, "false": offline } }
                priority: { from: .message, map: { "false": 4 }, default: 2 }
                tags: [shelly, online]
            - match: { subject: [{ glob: "shelly*/status/*" }, { glob: "*/status/*:[0-9]*" }] }
              set:
                title: "{{ $segments[0] }} {{ $segments[2] }}"
                message: { fields: .payload, except: [temperature, aenergy] }
                priority: { from: .priority, map: { 4: 4, 5: 5 }, default: 1 }
                tags: [shelly, "{{ $segments[2] }}"]
        """#)
}
