extension Receivers {
    static let alphorn = Preset(
        "alphorn", .sink,
        #"""
        # Alphorn: a notification with title, priority, tags and payload.
        # Documentation: the page of the webhook in Alphorn (POST /n/ID)
        # sinks:
        #   team:
        #     preset: alphorn
        #     url: https://alphorn.example/n/ID
        #     token: ${env:ALPHORN_TOKEN}
        type: webhook
        json:
          title: { from: .title }
          message: "{{ .message }}"
          priority: { from: .priority }
          tags: { from: .tags }
          payload: "{{ .payload }}"
        """#,
        checks: [.url(endsWith: ["n", "*"], else: "does not end with /n/ID; copy the address of the webhook")])
}
