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
            - match: { payload.event: [failed, stalled] }
              set:
                title: { join: [{ from: $subject, part: "*:{}:*" }, { join: ["{{ .payload.event }}", { from: .payload.jobId }], with: " " }], with: ": " }
                message: { from: .payload.failedReason, default: "{{ .payload.event }}" }
                priority: 4
                tags: [bullmq, { from: $subject, part: "*:{}:*" }, "{{ .payload.event }}"]
            - set:
                title: { join: [{ from: $subject, part: "*:{}:*" }, { join: ["{{ .payload.event }}", { from: .payload.jobId }], with: " " }], with: ": " }
                message: { from: .payload.returnvalue, default: "{{ .payload.event }}" }
                priority: { from: .payload.event, map: { completed: 2 }, default: 1 }
                tags: [bullmq, { from: $subject, part: "*:{}:*" }, "{{ .payload.event }}"]
        """#)
}
