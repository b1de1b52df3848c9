import BridgeCore
import YAML

/// Warns of permissions that reach no stream and no webhook of the file.
struct GrantChecks {
    let root: Located
    let findings: Findings

    func check() {
        guard let access = self.root.child("http")?.child("access") else { return }
        var grants = access.child("anonymous").map { [$0] } ?? []
        for key in ["tokens", "users"] {
            for entry in access.child(key)?.items ?? [] where entry.node.mapping != nil {
                if entry.child("subscribe") == nil, entry.child("publish") == nil {
                    self.findings.warning("grants nothing; write 'subscribe', 'publish' or both", at: entry)
                }
                grants.append(entry)
            }
        }
        let streams = self.names(of: "sinks", type: "sse", key: "stream")
        let webhooks = self.names(of: "sources", type: "webhook", key: "id")
        for grant in grants {
            self.check(grant.child("subscribe"), streams, "stream")
            self.check(grant.child("publish"), webhooks, "webhook")
        }
    }

    /// The names that the file has; `nil` when events choose some.
    private func names(of part: String, type: String, key: String) -> [String]? {
        var names: [String] = []
        for (_, component) in self.root.child(part)?.members ?? [] where component.child("type")?.text == type {
            for item in component.child(key)?.items ?? [] {
                guard let name = item.text, !name.contains("{{") else { return nil }
                names.append(name)
            }
        }
        return names
    }

    private func check(_ place: Located?, _ names: [String]?, _ kind: String) {
        guard let place, let names else { return }
        for item in place.items {
            // A claim in braces is filled in later.
            guard let text = item.text, !text.contains("{"), let pattern = try? SubjectPattern(name: text),
                !names.contains(where: { pattern.matches($0) })
            else { continue }
            let remedy =
                text == "*"
                ? "; write '#' for all of them"
                : names.isEmpty
                    ? "; the file has none"
                    : NearestName.hint(for: text, among: names, listed: names.sorted().prefix(10).joined(separator: ", "))
            self.findings.warning("no \(kind) is called '\(text)'\(remedy)", at: item, rule: .name)
        }
    }
}
