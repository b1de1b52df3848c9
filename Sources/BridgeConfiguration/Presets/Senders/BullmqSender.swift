extension Senders {
    static let bullmq = Preset(
        "bullmq", .source,
        #"""
        # BullMQ: events of the jobs of one queue from its Redis stream.
        # Formats: https://docs.bullmq.io/guide/events and src/commands of taskforcesh/bullmq
        # `stream` is bull:QUEUE:events.
        type: redis-stream
        normalise:
          cases:
            - match: { payload.event: { regex: "^(failed|stalled)$" } }
              set:
                title: { from: '"\($subject | split(":")[1]): \(.payload.event) \(.payload.jobId // "")" | rtrimstr(" ")' }
                message: { from: .payload.failedReason, default: "{{ .payload.event }}" }
                priority: 4
                tags: [bullmq, { from: '$subject | split(":")[1]' }, "{{ .payload.event }}"]
            - set:
                title: { from: '"\($subject | split(":")[1]): \(.payload.event) \(.payload.jobId // "")" | rtrimstr(" ")' }
                message: { from: .payload.returnvalue, default: "{{ .payload.event }}" }
                priority: { from: .payload.event, map: { completed: 2 }, default: 1 }
                tags: [bullmq, { from: '$subject | split(":")[1]' }, "{{ .payload.event }}"]
        """#)
}
