extension Senders {
    static let owntracks = Preset(
        "owntracks", .source,
        #"""
        # OwnTracks: locations of people, and the regions that they enter and leave.
        # Formats: https://owntracks.org/booklet/tech/json/
        type: mqtt
        subscribe:
          - { topic: owntracks/+/+, retained: first_time }
          - { topic: owntracks/+/+/event }
        normalise:
          cases:
            - match: { payload._type: location, payload.batt: { gte: 0 } }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }}"
                message:
                  join:
                    - "{{ .payload.lat }}, {{ .payload.lon }}"
                    - "(±{{ .payload.acc }} m, {{ .payload.batt }} % battery)"
                    - { from: .payload.inregions }
                  with: " "
                priority: 1
                tags: [owntracks, location]
                timestamp: { from: .payload.tst }
            - match: { payload._type: location }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }}"
                message:
                  join:
                    - "{{ .payload.lat }}, {{ .payload.lon }}"
                    - "(±{{ .payload.acc }} m)"
                    - { from: .payload.inregions }
                  with: " "
                priority: 1
                tags: [owntracks, location]
                timestamp: { from: .payload.tst }
            - match: { payload._type: transition }
              set:
                title: { join: ["{{ $segments[1] }}:", "{{ .payload.event }}", { from: .payload.desc }], with: " " }
                message: { join: ["{{ $segments[1] }} {{ $segments[2] }}:", "{{ .payload.event }}", { from: .payload.desc }], with: " " }
                priority: 3
                tags: [owntracks, transition, "{{ .payload.event }}"]
                timestamp: { from: .payload.tst }
            - match: { payload._type: lwt }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} is offline"
                message: The connection of the app was lost
                priority: 2
                tags: [owntracks, offline]
                # Its time is that of the connection.
                timestamp: null
            - match: { payload._type: { regex: "^(waypoint|waypoints|configuration|cmd|card|status)$" } }
              drop: true
            - set: { tags: [owntracks] }
        """#)
}
