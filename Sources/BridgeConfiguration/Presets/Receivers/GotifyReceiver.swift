extension Receivers {
    static let gotify = Preset(
        "gotify", .sink,
        #"""
        # Gotify: a message of an application, with a priority from 0 to 10.
        # Documentation: https://gotify.net/api-docs (its app is silent at 0, and loud from 8)
        # sinks:
        #   phone:
        #     preset: gotify
        #     url: https://gotify.example/message
        #     headers: { x-gotify-key: "${env:GOTIFY_TOKEN}" }
        type: webhook
        headers:
          x-gotify-key: { required: "the token of an application" }
        json:
          title: { from: .title }
          message: { from: .message, default: { from: .title, default: { from: $subject, default: (no text) } } }
          priority: { from: .priority, map: { 1: 0, 2: 2, 3: 5, 4: 8, 5: 10 }, default: 5 }
          extras: { "client::display": { contentType: text/plain } }
        """#,
        checks: [
            .url(
                endsWith: ["message"],
                else:
                    "does not end with /message; write the address of the server and /message, such as https://gotify.example/message"
            )
        ])
}
