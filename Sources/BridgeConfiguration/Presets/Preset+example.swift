import BridgeCore

extension Preset {
    /// A complete configuration file that uses the preset, with what its peer usually needs.
    ///
    /// Values of the environment stand for secrets. The tests load each of them.
    package var example: String {
        let name = self.name.replacing(".", with: "-")
        switch self.direction {
        case .source:
            let keys = ["preset: \(self.name)"] + (Self.needs[self.name] ?? Self.address(of: self.kind))
            return """
                sources:
                  \(name):
                \(keys.map { "    \($0)" }.joined(separator: "\n"))
                sinks:
                  screen: { type: sse, stream: home }
                routes:
                  - { from: \(name), to: screen }
                """
        case .sink:
            // The comment of a preset for sinks shows what the file adds.
            let lines = self.text.split(separator: "\n").drop { $0 != "# sinks:" }.prefix { $0.hasPrefix("# ") }
            let sink = lines.dropFirst().first { $0.hasSuffix(":") }.map { String($0.dropFirst(2).drop { $0 == " " }.dropLast()) }
            return """
                sources:
                  events: { type: webhook, id: events }
                \(lines.map { String($0.dropFirst(2)) }.joined(separator: "\n"))
                routes:
                  - { from: events, to: \(sink ?? name) }
                """
        }
    }

    /// What a source needs beside its preset, where that is more than an address.
    private static let needs: [String: [String]] = [
        "esphome-sse": ["url: http://greenhouse.local/events"],
        "home-assistant-stream": ["url: http://homeassistant.local:8123/api/stream", "token: ${env:HA_TOKEN}"],
        "hue": [
            "url: https://192.168.1.20/eventstream/clip/v2", #"headers: { hue-application-key: "${env:HUE_KEY}" }"#,
            "tls: { insecure: true }",
        ],
        "ntfy": ["url: https://ntfy.sh/alerts/sse"],
        "mercure": [
            "url: https://hub.example/.well-known/mercure?topic=https%3A%2F%2Fexample.com%2Fbooks%2F1",
            "token: ${env:MERCURE_JWT}",
        ],
        "celery": ["url: redis://127.0.0.1"],
        "bullmq": ["url: redis://127.0.0.1", "stream: bull:orders:events"],
        "sidekiq": ["url: redis://127.0.0.1", "lists: queue:audit"],
        "uptime-kuma": ["token: ${env:KUMA_TOKEN}"],
        "alertmanager": ["token: ${env:ALERTMANAGER_TOKEN}"],
        "grafana": [#"signature: { secret: "${env:GRAFANA_SECRET}" }"#],
        "github": [#"signature: { secret: "${env:GITHUB_SECRET}" }"#],
        "gitlab": ["token: ${env:GITLAB_TOKEN}"],
        "gitea": [#"signature: { secret: "${env:GITEA_SECRET}" }"#],
        "sentry": [#"signature: { secret: "${env:SENTRY_SECRET}" }"#],
        "stripe": [#"signature: { secret: "${env:STRIPE_SECRET}" }"#],
        "sonarr": ["user: sonarr", "password: ${env:SONARR_PASSWORD}"],
        "radarr": ["user: radarr", "password: ${env:RADARR_PASSWORD}"],
    ]

    private static func address(of kind: ComponentKind?) -> [String] {
        kind?.rawValue == "mqtt" ? ["url: mqtt://127.0.0.1"] : []
    }
}
