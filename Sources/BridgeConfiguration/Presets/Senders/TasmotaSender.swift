extension Senders {
    static let tasmota = Preset(
        "tasmota", .source,
        #"""
        # Tasmota: telemetry, switching and availability of devices.
        # Formats: https://tasmota.github.io/docs/MQTT/ and https://tasmota.github.io/docs/JSON-Status-Responses/
        # The times of a device have no zone; set `zone` of `timestamp` in a case of your own where it is not UTC.
        type: mqtt
        subscribe:
          - { topic: tele/#, retained: first_time }
          - { topic: stat/# }
        normalise:
          cases:
            # Topics of devices may contain slashes: the device is in front of the last part.
            - match: { subject: { glob: "tele/*/LWT" } }
              set:
                title: { join: ["{{ $segments[-2] }}", "{{ .message }}"], with: " is " }
                message: { join: ["Tasmota {{ $segments[-2] }}", "{{ .message }}"], with: ": " }
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [tasmota, lwt, { from: .message, map: { offline: offline, online: online }, default: "" }]
            - match: { subject: { glob: "tele/*/STATE" } }
              set:
                title: "{{ $segments[-2] }}"
                message: { join: [{ fields: .payload, only: [POWER, POWER1, POWER2, Dimmer, Uptime] }, "RSSI: {{ .payload.Wifi.RSSI }}"] }
                priority: 1
                tags: [tasmota, state]
            - match: { subject: { glob: "tele/*/SENSOR" }, payload.ZbReceived: { exists: true } }
              set:
                title: { join: ["{{ $segments[-2] }}", { from: ".payload.ZbReceived | [.[]? | objects | .Name // .Device // empty]" }], with: " " }
                message: { fields: .payload.ZbReceived }
                priority:
                  from: >-
                    [.payload.ZbReceived[]? | objects | .Water, .Fire, .CO, .PersonalAlarm, .Panic, .GlassBreak]
                    | if any(. == 1 or . == true) then 5 else 1 end
                tags: [tasmota, zigbee]
            - match: { subject: { glob: "tele/*/SENSOR" } }
              set:
                title: "{{ $segments[-2] }} sensors"
                message:
                  from: >-
                    .payload | del(.Time, .TempUnit, .SpeedUnit, .PressureUnit) | to_entries | map(.key as $sensor | .value
                    | if type == "object" then to_entries[] | "\($sensor) \(.key): \(.value)" else "\($sensor): \(.)" end) | join(", ")
                priority: 1
                tags: [tasmota, sensor]
            - match: { subject: tele/+/# }
              set: { title: "{{ $segments[-2] }}", tags: [tasmota, telemetry] }
            - match: { subject: [{ glob: "stat/*/RESULT" }, { glob: "stat/*/STATUS" }] }
              drop: true
            - match: { subject: stat/+/+/# }
              set:
                title: "{{ $segments[-2] }}"
                message: { join: ["{{ $segments[-1] }}", "{{ .message }}"], with: ": " }
                priority: 2
                tags: [tasmota, power]
        """#)
}
