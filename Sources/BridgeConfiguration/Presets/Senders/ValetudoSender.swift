extension Senders {
    static let valetudo = Preset(
        "valetudo", .source,
        #"""
        # Valetudo: state, battery and errors of vacuum robots.
        # Formats: https://valetudo.cloud/pages/integrations/mqtt.html
        type: mqtt
        subscribe:
          - { topic: valetudo/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: [+/+/MapData/#, +/+/$fw/#, "+/+/+/$name", "+/+/+/+/set", +/hass/#] }
              drop: true
            - match: { subject: "+/+/$state" }
              set:
                title: "{{ $segments[1] }} is {{ .message }}"
                priority: { from: .message, map: { lost: 4, alert: 4 }, default: 2 }
                tags: [valetudo, state]
            - match: { subject: +/+/StatusStateAttribute/status }
              set:
                title: "{{ $segments[1] }} is {{ .message }}"
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
