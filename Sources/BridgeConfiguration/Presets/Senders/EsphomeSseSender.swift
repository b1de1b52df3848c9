extension Senders {
    static let esphomeSse = Preset(
        "esphome-sse", .source,
        #"""
        # ESPHome web server: states of entities and the log over SSE.
        # Formats: https://esphome.io/web-api and esphome/components/web_server/web_server.cpp
        # `url` is http://NODE/events. A ping comes every ten seconds.
        type: sse
        events: [state, log]
        idle_timeout: 35s
        normalise:
          cases:
            - match: { subject: log }
              set: { title: ESPHome log, priority: 3, tags: [esphome, log] }
            - match: { payload.id: { starts_with: binary_sensor- } }
              set:
                title: { from: .payload.id, part: "binary_sensor-{}" }
                message: "{{ .payload.state }}"
                # A danger, such as smoke, keeps the priority that it has without the preset.
                priority: { from: .priority, map: { 4: 4, 5: 5 }, default: 2 }
                tags: [esphome, binary_sensor]
            - set:
                title: { from: '.payload.id | sub("^[a-z_]+[-/]"; "")' }
                message: "{{ .payload.state }}"
                priority: 1
                tags: [esphome, { from: '.payload.id | sub("[-/].*"; "")' }]
        """#)
}
