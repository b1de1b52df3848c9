import JSON

/// The result of an analysis by SonarQube: its `status` only says that the analysis ran, `qualityGate` what it found.
///
/// https://docs.sonarsource.com/sonarqube-server/project-administration/webhooks/
enum SonarQubeShape {
    /// How many conditions the message lists.
    private static let limit = 10

    /// Makes the draft of such a result; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard let gate = root["qualityGate"], let status = JSONFields.text(gate["status"]), let project = root["project"],
            let name = JSONFields.text(project["name"]) ?? JSONFields.text(project["key"])
        else { return nil }
        let branch = root["branch"]?["isMain"]?.bool == false ? JSONFields.text(root["branch"]?["name"]) : nil
        let outcome = ["OK": "passed", "ERROR": "failed", "WARN": "passed with warnings"][status] ?? status
        var draft = Draft()
        draft.title = [name, branch].compactMap(\.self).joined(separator: " ") + ": quality gate \(outcome)"
        draft.message = self.conditions(gate) ?? "\(JSONFields.text(gate["name"]) ?? "Quality gate"): \(outcome)"
        draft.priority = status == "OK" ? 2 : 4
        draft.timestamp = root["analysedAt"].flatMap { JSONFields.time($0) }
        return draft
    }

    /// The conditions that are not met, such as `new_coverage 71.2, required 80`.
    private static func conditions(_ gate: JSONElement) -> String? {
        var texts: [String] = []
        var total = 0
        gate["conditions"]?.forEachItem { condition in
            guard let status = JSONFields.text(condition["status"]), status == "ERROR" || status == "WARN",
                let metric = JSONFields.text(condition["metric"])
            else { return }
            total += 1
            guard texts.count < self.limit else { return }
            let value = JSONFields.text(condition["value"]).map { " \($0)" } ?? ""
            let threshold = JSONFields.text(condition["errorThreshold"]).map { ", required \($0)" } ?? ""
            texts.append(metric + value + threshold)
        }
        if total > self.limit { texts.append("and \(total - self.limit) more") }
        return texts.isEmpty ? nil : texts.joined(separator: "\n")
    }
}
