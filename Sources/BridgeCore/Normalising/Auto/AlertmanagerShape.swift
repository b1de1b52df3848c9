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
        let firing = self.count(alerts, "firing")
        let isMixed = !isResolved && firing > 0 && firing < alerts.count
        let subject = isMixed ? self.first(alerts, "firing") ?? first : first
        let name = JSONFields.text(common["alertname"]) ?? self.group(root["groupLabels"])
        let severity = JSONFields.text(common["severity"]) ?? self.severity(alerts, only: isMixed ? "firing" : nil)
        var draft = Draft()
        draft.title =
            JSONFields.text(root["title"]) ?? "[\(status.uppercased()):\(isMixed ? firing : alerts.count)] \(name ?? "alerts")"
        draft.message = self.message(root, alerts, isMixed: isMixed)
        draft.message = draft.message ?? JSONFields.text(root["message"]) ?? FieldSentence.of(common, title: nil)
        draft.priority = isResolved ? 2 : severity.flatMap(self.priority) ?? 4
        draft.tags = [status] + (severity.map { [$0] } ?? [])
        let ended = isResolved ? first["endsAt"].flatMap { JSONFields.time($0) } : nil
        draft.timestamp = ended ?? subject["startsAt"].flatMap { JSONFields.time($0) }
        return draft
    }

    private static func summary(_ annotations: JSONElement?) -> String? {
        guard let annotations else { return nil }
        return ["summary", "description", "message"].lazy.compactMap { JSONFields.text(annotations[$0]) }.first
    }

    /// The priority of a severity; `none` marks an alert that only shows that alerts arrive.
    private static func priority(_ severity: String) -> Int? {
        severity.lowercased() == "none" ? 1 : SeverityWord(severity)?.priority
    }

    /// What all alerts have in common, or a line for each; of a mixed group those that fire, and then those that are resolved.
    private static func message(_ root: JSONElement, _ alerts: JSONElement, isMixed: Bool) -> String? {
        let common = self.summary(root["commonAnnotations"])
        guard isMixed else { return common ?? self.summaries(alerts) }
        let resolved = self.summaries(alerts, only: "resolved").map { "Resolved: \($0)" }
        let texts = [common ?? self.summaries(alerts, only: "firing"), resolved].compactMap(\.self)
        return texts.isEmpty ? nil : texts.joined(separator: "\n")
    }

    /// What the alerts are grouped by: their name, or the values of other labels.
    private static func group(_ labels: JSONElement?) -> String? {
        if let name = JSONFields.text(labels?["alertname"]) { return name }
        var values: [String] = []
        labels?.forEachMember { _, value in
            if values.count < 3, let text = JSONFields.text(value) { values.append(text) }
        }
        return values.isEmpty ? nil : values.joined(separator: " ")
    }

    /// The worst severity of the alerts, of those with a status if one is given.
    private static func severity(_ alerts: JSONElement, only status: String?) -> String? {
        var worst: (text: String, priority: Int)?
        alerts.forEachItem { alert in
            guard status == nil || alert["status"]?.string == status, let text = JSONFields.text(alert["labels"]?["severity"])
            else { return }
            let priority = self.priority(text) ?? 0
            if priority > worst?.priority ?? -1 { worst = (text, priority) }
        }
        return worst?.text
    }

    private static func count(_ alerts: JSONElement, _ status: String) -> Int {
        var count = 0
        alerts.forEachItem { if $0["status"]?.string == status { count += 1 } }
        return count
    }

    private static func first(_ alerts: JSONElement, _ status: String) -> JSONElement? {
        var first: JSONElement?
        alerts.forEachItem { if first == nil, $0["status"]?.string == status { first = $0 } }
        return first
    }

    /// One line for each alert, if the alerts differ.
    ///
    /// - Parameter status: of the alerts that count; `nil` for all.
    private static func summaries(_ alerts: JSONElement, only status: String? = nil) -> String? {
        var lines: [String] = []
        var total = 0
        alerts.forEachItem { alert in
            guard status == nil || alert["status"]?.string == status else { return }
            total += 1
            guard lines.count < self.limit else { return }
            let line = self.summary(alert["annotations"]) ?? alert["labels"].flatMap { FieldSentence.of($0, title: nil) }
            if let line { lines.append(line) }
        }
        if total > self.limit { lines.append("and \(total - self.limit) more") }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}
