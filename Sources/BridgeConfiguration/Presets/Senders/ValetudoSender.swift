extension Senders {
    static let valetudo = Preset(
        "valetudo", .source,
        #"""
        # Valetudo: state, battery and errors of vacuum robots.
        # Formats: https://valetudo.cloud/pages/integrations/mqtt.html (docs/_pages/integrations/mqtt.md of Hypfer/Valetudo)
        # Topics are valetudo/ROBOT/CAPABILITY/PROPERTY; what begins with $ describes them (Homie).
        type: mqtt
        subscribe:
          - { topic: valetudo/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: [+/+/MapData/#, +/+/+/+/set, +/hass/#] }
              drop: true
            - match: { subject: "+/+/$state" }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ .message }}"], with: " is " }
                priority: { from: .message, map: { lost: 4, alert: 4 }, default: 2 }
                tags: [valetudo, state]
            - match: { subject: { glob: "*/$*" } }
              drop: true
            - match: { subject: +/+/StatusStateAttribute/error, payload.severity.kind: none }
              drop: true
            - match: { subject: +/+/StatusStateAttribute/error }
              set:
                title: "{{ $segments[1] }} error"
                message: "{{ .payload.message }}"
                priority: { from: .payload.severity.level, map: { catastrophic: 5, info: 3 }, default: 4 }
                tags: [valetudo, error, "{{ .payload.subsystem }}"]
            - match: { subject: +/+/StatusStateAttribute/error_description, message: No error }
              drop: true
            - match: { subject: +/+/StatusStateAttribute/status }
              set:
                title: { join: ["{{ $segments[1] }}", "{{ .message }}"], with: " is " }
                priority: { from: .message, map: { error: 4 }, default: 2 }
                tags: [valetudo, status]
            - match: { subject: +/+/+/+ }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }}"
                priority: 1
                tags: [valetudo, "{{ $segments[2] }}"]
            - set: { tags: [valetudo] }
        """#)
}
