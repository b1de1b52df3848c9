extension Receivers {
    static let apprise = Preset(
        "apprise", .sink,
        #"""
        # Apprise API: passes each event on to the services of one of its configurations.
        # Documentation: https://github.com/caronc/apprise-api (POST /notify/KEY)
        # sinks:
        #   everyone:
        #     preset: apprise
        #     url: http://apprise.example:8000/notify/home    # also json: { tag: admins }
        type: webhook
        json:
          title: { from: .title }
          body: { from: .message, default: { from: .title, default: { from: $subject, default: (no text) } } }
          type: { from: .priority, map: { 4: warning, 5: failure }, default: info }
          format: text
        """#,
        checks: [
            .url(
                endsWith: ["notify", "*"],
                else:
                    "does not end with /notify/KEY; write the key of a configuration, such as http://apprise.example:8000/notify/home"
            )
        ])
}
