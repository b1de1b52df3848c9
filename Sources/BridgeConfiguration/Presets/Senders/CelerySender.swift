extension Senders {
    static let celery = Preset(
        "celery", .source,
        #"""
        # Celery: events of tasks and workers from a Redis broker (`worker -E`).
        # Formats: https://docs.celeryq.dev/en/stable/userguide/monitoring.html#events and kombu/transport/redis.py
        # The channels begin with the number of the database: /0.celeryev/…
        # A message with several events of tasks becomes one event: the first names it, and the message lists all.
        type: redis
        patterns: "/0.celeryev/*"
        normalise:
          cases:
            - match: { subject: /+/task.multi }
              set:
                title: { from: '.payload.body | @base64d | fromjson | if length > 1 then "\(length) task events" else .[0].type end' }
                message: { from: '.payload.body | @base64d | fromjson | map("\(.type) \(.uuid)\(if .exception then " " + .exception else "" end)") | join(", ")' }
                priority: { from: '.payload.body | @base64d | fromjson | if any(.[]; .type == "task-failed") then 4 else 2 end' }
                tags: [celery, { from: '.payload.body | @base64d | fromjson | map(.type) | unique' }]
                timestamp: { from: '.payload.body | @base64d | fromjson | .[0].timestamp' }
            - match: { subject: /+/worker.heartbeat }
              drop: true
            - set:
                title: { from: '.payload.body | @base64d | fromjson | .type' }
                message: { from: '.payload.body | @base64d | fromjson | .hostname' }
                priority: { from: '.payload.body | @base64d | fromjson | .type', map: { worker-offline: 4 }, default: 2 }
                tags: [celery, { from: '.payload.body | @base64d | fromjson | .type' }]
                timestamp: { from: '.payload.body | @base64d | fromjson | .timestamp' }
        """#)
}
