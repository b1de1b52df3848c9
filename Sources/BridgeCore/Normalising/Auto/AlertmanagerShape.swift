import JSON

/// Groups of alerts as Prometheus Alertmanager (webhook version 4) and Grafana send them: `status`, `alerts`, `commonLabels`.
enum AlertmanagerShape {
    /// How many alerts of a group the message lists.
    private static let limit = 10

    /// Makes the draft of such a group; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard let status = JSONFields.text(root["status"]), let alerts = root["alerts"], alerts.kind == .array,
            let common = root["commonLabels"], let first = alerts[0], first.kind == .object
        else { return nil }
        let isResolved = status == "resolved"
        let name = JSONFields.text(common["alertname"]) ?? JSONFields.text(root["groupLabels"]?["alertname"])
        let severity = JSONFields.text(common["severity"]) ?? JSONFields.text(first["labels"]?["severity"])
        var draft = Draft()
        draft.title = JSONFields.text(root["title"]) ?? "[\(status.uppercased()):\(alerts.count)] \(name ?? "alerts")"
        draft.message = self.summary(root["commonAnnotations"]) ?? self.summaries(alerts)
        draft.message = draft.message ?? JSONFields.text(root["message"]) ?? FieldSentence.of(common, title: nil)
        draft.priority = isResolved ? 2 : severity.flatMap { SeverityWord($0)?.priority } ?? 4
        draft.tags = [status] + (severity.map { [$0] } ?? [])
        let ended = isResolved ? first["endsAt"].flatMap { JSONFields.time($0) } : nil
        draft.timestamp = ended ?? first["startsAt"].flatMap { JSONFields.time($0) }
        return draft
    }

    private static func summary(_ annotations: JSONElement?) -> String? {
        guard let annotations else { return nil }
        return ["summary", "description", "message"].lazy.compactMap { JSONFields.text(annotations[$0]) }.first
    }

    /// One line for each alert, if the alerts differ.
    private static func summaries(_ alerts: JSONElement) -> String? {
        var lines: [String] = []
        alerts.forEachItem { alert in
            guard lines.count < self.limit else { return }
            let line = self.summary(alert["annotations"]) ?? alert["labels"].flatMap { FieldSentence.of($0, title: nil) }
            if let line { lines.append(line) }
        }
        if alerts.count > self.limit { lines.append("and \(alerts.count - self.limit) more") }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}
