extension Senders {
    static let openmqttgateway = Preset(
        "openmqttgateway", .source,
        #"""
        # OpenMQTTGateway: Bluetooth, 433 MHz, infrared and LoRa sensors, beacons and remote controls.
        # Formats: https://docs.openmqttgateway.com/use/gateway.html and .../use/ble.html, .../use/rf.html
        type: mqtt
        subscribe:
          - { topic: home/+/BTtoMQTT/# }
          - { topic: home/+/433toMQTT/# }
          - { topic: home/+/RTL_433toMQTT/# }
          - { topic: home/+/IRtoMQTT/# }
          - { topic: home/+/LORAtoMQTT/# }
          - { topic: home/+/LWT, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/+/LWT }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ .message }}"], with: " is " }
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [openmqttgateway, availability]
            - match: { subject: [+/+/433toMQTT/#, +/+/IRtoMQTT/#] }
              set:
                title: "{{ $segments[2] }} {{ .payload.value }}"
                message: { fields: .payload }
                priority: 2
                tags: [openmqttgateway, "{{ $segments[2] }}"]
            - set:
                title: { join: ["{{ .payload.name }}", { from: .payload.id }], with: " " }
                message: { fields: .payload, except: [id, name, rssi, brand, model, model_id, type] }
                priority: 1
                tags: [openmqttgateway, "{{ $segments[2] }}"]
        """#)
}
