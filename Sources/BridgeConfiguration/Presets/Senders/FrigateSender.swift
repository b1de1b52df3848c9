extension Senders {
    static let frigate = Preset(
        "frigate", .source,
        #"""
        # Frigate: reviews, object counts, snapshots and availability of cameras.
        # Formats: https://docs.frigate.video/integrations/mqtt
        type: mqtt
        subscribe:
          - { topic: frigate/#, retained: first_time }
        normalise:
          cases:
            - match: { subject: +/available }
              set:
                title: { join: ["Frigate", "{{ .message }}"], with: " is " }
                message: { join: ["{{ $subject }}", "{{ .message }}"], with: ": " }
                priority: { from: .message, map: { offline: 5, stopped: 5 }, default: 2 }
                tags: [frigate, availability]
            - match: { subject: +/reviews, payload.type: end }
              set:
                title: "{{ .payload.after.severity }} on {{ .payload.after.camera }} ended"
                message:
                  from: >-
                    .payload.after.data
                    | [(.objects // []) + (.sub_labels // []) + (.audio // []), .zones // []]
                    | map(join(", ") | select(. != "")) | join(" in ")
                  default: "{{ .payload.type }}"
                priority: 2
                tags: [frigate, "{{ .payload.after.severity }}", "{{ .payload.after.camera }}", end]
                timestamp: { from: .payload.after.end_time }
            - match: { subject: +/reviews }
              set:
                title: "{{ .payload.after.severity }} on {{ .payload.after.camera }}"
                message:
                  from: >-
                    .payload.after.data
                    | [(.objects // []) + (.sub_labels // []) + (.audio // []), .zones // []]
                    | map(join(", ") | select(. != "")) | join(" in ")
                  default: "{{ .payload.type }}"
                priority: { from: .payload.after.severity, map: { alert: 4 }, default: 3 }
                tags: [frigate, "{{ .payload.after.severity }}", "{{ .payload.after.camera }}"]
                timestamp: { from: .payload.after.start_time }
            # What a face, a licence plate or a description says about an object.
            - match: { subject: +/tracked_object_update }
              set:
                title:
                  join:
                    - { from: .payload.type, map: { face: Face, lpr: License plate, classification: Classification, description: Description }, default: "{{ .payload.type }}" }
                    - { from: .payload.camera }
                  with: " on "
                message: { join: [{ from: .payload.name }, { from: .payload.plate }, { from: .payload.sub_label }, { from: .payload.attribute }, { from: .payload.description }] }
                priority: 2
                tags: [frigate, tracked_object_update, "{{ .payload.camera }}"]
                timestamp: { from: .payload.timestamp }
            - match: { subject: +/events }
              set:
                title: "{{ .payload.after.label }} on {{ .payload.after.camera }}"
                message: { join: ["{{ .payload.type }}", { from: .payload.after.entered_zones }], with: " in " }
                priority: 2
                tags: [frigate, event, "{{ .payload.after.camera }}"]
                timestamp: { from: .payload.after.start_time }
            # Statistics, commands, and the loudness of each camera every second.
            - match: { subject: [+/stats, +/camera_activity, +/+/+/set, +/+/ptz, +/+/birdseye/#, +/+/audio/dBFS, +/+/audio/rms] }
              drop: true
            - match: { subject: +/+/status/+ }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }} is {{ .message }}"
                priority: { from: .message, map: { offline: 4 }, default: 2 }
                tags: [frigate, status, "{{ $segments[1] }}"]
            - match: { subject: +/+/+/active }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} active"
                priority: 1
                tags: [frigate, count]
            - match: { subject: +/+/+/snapshot }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }} snapshot"
                priority: 1
                tags: [frigate, snapshot]
            - match: { subject: +/+/+/state }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }}"
                priority: 1
                tags: [frigate, setting]
            - match: { subject: +/+/audio/+ }
              set:
                title: "{{ $segments[1] }} {{ $segments[3] }}"
                priority: { from: .message, map: { "ON": 3 }, default: 1 }
                tags: [frigate, audio, "{{ $segments[1] }}"]
            - match: { subject: +/+/motion }
              set:
                title: "{{ $segments[1] }} motion"
                priority: 1
                tags: [frigate, motion]
            - match: { subject: +/+/+ }
              set:
                title: "{{ $segments[1] }} {{ $segments[2] }}"
                priority: 2
                tags: [frigate, count]
            - set: { tags: [frigate] }
        """#)
}
