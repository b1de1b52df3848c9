extension Senders {
    static let celery = Preset(
        "celery", .source,
        #"""
        # Celery: events of tasks and workers from a Redis broker (`worker -E`).
        # Formats: https://docs.celeryq.dev/en/stable/userguide/monitoring.html#events and kombu/transport/redis.py
        # The channels begin with the number of the database: /0.celeryev/…
        type: redis
        patterns: "/0.celeryev/*"
        normalise:
          root: { from: .payload.body, decode: base64 }
          # Events of tasks come several in one message.
          split: .payload
          cases:
            - match: { payload.type: worker-heartbeat }
              drop: true
            - match: { payload.type: { starts_with: task- } }
              set:
                title: "{{ .payload.type }}"
                message: { join: [{ from: .payload.name }, "{{ .payload.uuid }}", "{{ .payload.exception }}"], with: " " }
                priority: { from: .payload.type, map: { task-failed: 4, task-retried: 4 }, default: 2 }
                tags: [celery, "{{ .payload.type }}"]
                timestamp: { from: .payload.timestamp }
            - set:
                title: "{{ .payload.type }}"
                message: "{{ .payload.hostname }}"
                priority: { from: .payload.type, map: { worker-offline: 4 }, default: 2 }
                tags: [celery, "{{ .payload.type }}"]
                timestamp: { from: .payload.timestamp }
        """#)
}
