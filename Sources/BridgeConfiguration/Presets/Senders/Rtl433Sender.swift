extension Senders {
    static let rtl433 = Preset(
        "rtl_433", .source,
        #"""
        # rtl_433: sensors and remote controls on 433 and 868 MHz.
        # Formats: https://github.com/merbanan/rtl_433 docs/DATA_FORMAT.md and docs/INTEGRATION.md (`-F mqtt`, topic events)
        # Without `-M time:unix`, `time` is local to the receiver; an event has the time of its arrival.
        type: mqtt
        subscribe:
          - { topic: rtl_433/+/events }
        normalise:
          cases:
            - match: { payload.battery_ok: 0 }
              set:
                title: { join: ["{{ .payload.model }}", { from: .payload.id }, battery low], with: " " }
                message: { fields: .payload, except: [time, model, id, mic, rssi, snr, noise, freq, freq1, freq2, mod] }
                priority:
                  from: .payload.alarm
                  map: { 1: 5 }
                  default:
                    from: .payload.tamper
                    map: { 1: 5 }
                    default: { from: .payload.detect_wet, map: { 1: 5 }, default: { from: .payload.event, map: { Water Leak: 5 }, default: "4" } }
                tags: [rtl_433, "{{ .payload.model }}"]
                timestamp: null
            - set:
                title: { join: ["{{ .payload.model }}", { from: .payload.id }], with: " " }
                message: { fields: .payload, except: [time, model, id, mic, rssi, snr, noise, freq, freq1, freq2, mod] }
                priority:
                  from: .payload.alarm
                  map: { 1: 5 }
                  default:
                    from: .payload.tamper
                    map: { 1: 5 }
                    default: { from: .payload.detect_wet, map: { 1: 5 }, default: { from: .payload.event, map: { Water Leak: 5 }, default: "1" } }
                tags: [rtl_433, "{{ .payload.model }}"]
                timestamp: null
        """#)
}
