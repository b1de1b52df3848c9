extension Receivers {
    static let pushover = Preset(
        "pushover", .sink,
        #"""
        # Pushover: priority 5 repeats every minute for an hour until somebody confirms it.
        # Documentation: https://pushover.net/api (title 250, message 1,024 characters)
        # sinks:
        #   phone:
        #     preset: pushover
        #     json: { token: "${env:PUSHOVER_TOKEN}", user: "${env:PUSHOVER_USER}" }
        type: webhook
        url: https://api.pushover.net/1/messages.json
        json:
          token: { required: "the token of an application" }
          user: { required: "the key of a user or a group" }
          title: { from: .title, limit: 250, ellipsis: … }
          message: { from: .message, default: { from: .title, default: { from: $subject, default: (no text) } }, limit: 1024, ellipsis: … }
          priority: { from: .priority, map: { 1: -2, 2: -1, 3: 0, 4: 1, 5: 2 } }
          retry: { from: .priority, map: { 5: 60 }, default: null }
          expire: { from: .priority, map: { 5: 3600 }, default: null }
          timestamp: { from: .timestamp, as: unix }
        success: .status
        """#,
        checks: [
            .url(endsWith: ["1", "messages.json"], else: "does not end with /1/messages.json; leave it out")
        ])
}
