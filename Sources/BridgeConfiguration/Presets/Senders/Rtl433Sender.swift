extension Senders {
    static let rtl433 = Preset(
        "rtl_433", .source,
        #"""
        # rtl_433: sensors and remote controls on 433 and 868 MHz.
        # Formats: https://triq.org/rtl_433/INTEGRATION.html and docs/DATA_FORMAT.md (`-F mqtt`, topic events)
        type: mqtt
        subscribe:
          - { topic: rtl_433/+/events }
        normalise:
          cases:
            - set:
                title: { join: ["{{ .payload.model }}", { from: .payload.id }], with: " " }
                message: { fields: .payload, except: [time, model, id, mic, rssi, snr, noise, freq, freq1, freq2, mod] }
                priority: 1
                tags: [rtl_433, "{{ .payload.model }}"]
        """#)
}
