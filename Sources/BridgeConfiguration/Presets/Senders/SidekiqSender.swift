extension Senders {
    static let sidekiq = Preset(
        "sidekiq", .source,
        #"""
        # Sidekiq: jobs of queues that the bridge reads in place of a worker.
        # Formats: https://github.com/sidekiq/sidekiq/wiki/Job-Format and lib/sidekiq/client.rb of sidekiq/sidekiq
        # `lists` is queue:NAME. Each job goes to one reader, so name queues that no worker reads.
        # A job of Active Job is named by `wrapped`, and its arguments are those of its own job.
        type: redis
        normalise:
          cases:
            - match: { payload.class: { regex: "." } }
              set:
                title: { from: .payload.wrapped, default: "{{ .payload.class }}" }
                message:
                  from: >-
                    . as $event | .payload.args // [] | if (.[0] | type) == "object" and (.[0] | has("arguments")) then .[0].arguments else . end
                    | map(if type == "string" then . else tojson end) | join(", ")
                    | if . == "" then $event.payload.wrapped // $event.payload.class else . end
                priority: { from: .payload.queue, map: { critical: 4, low: 2 }, default: 3 }
                tags: [sidekiq, "{{ .payload.queue }}"]
                id: { from: .payload.jid }
                timestamp: { from: .payload.enqueued_at }
        """#)
}
