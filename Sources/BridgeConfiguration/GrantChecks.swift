import BridgeCore
import YAML

/// Warns of permissions that reach no stream and no webhook of the file.
struct GrantChecks {
    /// How many mistakes are compared with all names.
    private static let mostHints = 100

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
        self.check(grants.compactMap { $0.child("subscribe") }, streams, "stream")
        self.check(grants.compactMap { $0.child("publish") }, webhooks, "webhook")
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

    /// - Parameters:
    ///   - places: lists of names and filters.
    ///   - names: what there is; `nil` when events choose some.
    private func check(_ places: [Located], _ names: [String]?, _ kind: String) {
        guard let names else { return }
        let known = Set(names)
        var items: [(place: Located, text: String)] = []
        // One of the equal filters stands for all.
        var filters: [String: Int] = [:]
        var trie = SubjectTrie()
        for place in places {
            for item in place.items {
                // A claim in braces is filled in later. All that there is may be nothing yet, and the program has names of its own.
                guard let text = item.text, text != "#", !text.hasPrefix("$"), !text.contains("{"), !known.contains(text),
                    let pattern = try? SubjectPattern(name: text)
                else { continue }
                items.append((item, text))
                guard pattern.syntax == .mqtt, filters[text] == nil else { continue }
                trie.insert(pattern, value: filters.count)
                filters[text] = filters.count
            }
        }
        var reached: Set<Int> = []
        for name in known where !filters.isEmpty {
            var found: [Int] = []
            _ = trie.collect(name, into: &found)
            reached.formUnion(found)
        }
        let listed = names.sorted().prefix(10).joined(separator: ", ")
        let wrong = items.filter { filters[$0.text].map { !reached.contains($0) } ?? true }
        for (index, (place, text)) in wrong.enumerated() {
            // To compare each of many with all names would take long.
            let others = index < Self.mostHints ? names : []
            let remedy =
                text == "*"
                ? "; write '#' for all of them"
                : names.isEmpty
                    ? "; the file has none"
                    : NearestName.nearest(to: text, among: others).map { "; did you mean '\($0)'?" } ?? "; there are \(listed)"
            self.findings.warning("no \(kind) is called '\(text)'\(remedy)", at: place, rule: .name)
        }
    }
}
