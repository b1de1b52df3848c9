import JSON

/// Any other JSON: a title that names the thing, a message in words, its level, time and labels.
enum VendorShape {
    /// Header fields in which senders of webhooks name the kind of the message.
    private static let kindHeaders = [
        "x-github-event", "x-gitlab-event", "x-gitea-event", "x-gogs-event", "x-forgejo-event", "x-event-key", "x-event-type",
        "sentry-hook-resource", "x-event",
    ]

    /// Makes the draft of an object or array.
    ///
    /// - Parameters:
    ///   - root: an object or array.
    ///   - name: the name in the subject, for a body without one.
    ///   - attributes: those of the message.
    ///   - isPatient: whether a sentence about the fields may be left for ``complete(_:)``, as the source may have another message.
    static func draft(_ root: JSONElement, name: String, attributes: Attributes, isPatient: Bool = false) -> Draft {
        var draft = Draft()
        guard root.kind == .object else {
            draft.title = name
            draft.message = FieldSentence.of(root, title: name) ?? SecretName.publicText(of: root)
            if let first = root[0], first.kind == .object {
                let scan = FieldScan(first)
                draft.timestamp = scan.timestamp
                draft.priority = scan.priority
            }
            return draft
        }
        var scan = FieldScan(root)
        if scan.isEmpty {
            // What is wrapped deeper than the scan looks.
            let inner = FieldSentence.unwrapped(root)
            if inner.levels >= FieldScan.levels, inner.value.kind == .object { scan = FieldScan(inner.value) }
        }
        draft.title = self.title(scan, name: name, attributes: attributes)
        if isPatient, scan.message == nil, scan.state == nil {
            draft.pending = Draft.PendingMessage(title: scan.title, kind: scan.kind)
        } else {
            draft.message =
                scan.message ?? FieldSentence.of(root, title: scan.title) ?? scan.kind ?? scan.title
                ?? SecretName.publicText(of: root)
        }
        self.addState(of: scan, to: &draft)
        draft.priority =
            scan.priority ?? scan.message.flatMap { TextShape.priority($0) } ?? scan.kind.flatMap { self.priority(ofKind: $0) }
            ?? scan.title.flatMap { TextShape.priority($0) } ?? self.danger(root, name: name)
        draft.tags = scan.tags
        draft.timestamp = scan.timestamp
        return draft
    }

    /// Writes a message that was left for later, unless there is one by now.
    static func complete(_ draft: inout Draft) {
        guard let pending = draft.pending, let root = draft.root, draft.message == nil else { return }
        let words =
            FieldSentence.of(root, title: pending.title) ?? pending.kind ?? pending.title ?? SecretName.publicText(of: root)
        draft.message = LongNumbers.restored(words, from: draft.payload)
    }

    private static func title(_ scan: FieldScan, name: String, attributes: Attributes) -> String {
        var title: String
        if let thing = scan.title {
            title = (scan.action ?? scan.event).map { "\($0): \(thing)" } ?? thing
            if let place = scan.place, !title.contains(place) { title = "\(place): \(title)" }
            return title
        }
        let header = attributes.isEmpty ? nil : self.kindHeaders.lazy.compactMap { attributes[$0] }.first
        title = scan.place ?? name
        let what = [header ?? scan.kind, scan.action].compactMap(\.self).joined(separator: " ")
        if !what.isEmpty, !title.contains(what) { title = title.isEmpty ? what : "\(title): \(what)" }
        return title
    }

    /// The priority of an outcome at the end of a kind, such as `deployment.error` or `invoice.payment_failed`, or of an
    /// incident that is not known to have ended.
    private static func priority(ofKind kind: String) -> Int? {
        if kind == "incident" { return 4 }
        guard let dot = kind.lastIndex(where: { $0 == "." || $0 == ":" }) else { return self.outcome(at: kind) }
        let end = kind[kind.index(after: dot)...]
        let word = SeverityWord(end) ?? end.lastIndex(of: "_").flatMap { SeverityWord(end[end.index(after: $0)...]) }
        return word.flatMap { $0.priority >= 4 || $0.isEnd ? $0.priority : nil }
    }

    /// Words for a failure at the end of a name of parts; other words of severity may be something else there, as in `key_down`.
    private static let failures: Set<String> = [
        "failed", "failure", "error", "denied", "jammed", "crashed", "unreachable", "timeout", "disconnected",
    ]

    /// The priority of a kind such as `lock_jammed`, `access-denied` or `BackupFailed`.
    private static func outcome(at kind: String) -> Int? {
        var start = kind.endIndex
        while start > kind.startIndex {
            let before = kind.index(before: start)
            if "_- /".contains(kind[before]) { break }
            start = before
            if kind[before].isUppercase, before > kind.startIndex { break }
        }
        return start > kind.startIndex && self.failures.contains(kind[start...].lowercased()) ? 4 : nil
    }

    /// The priority of a sensor that is named for a danger, such as `kitchen_smoke`, and says that there is one.
    private static func danger(_ root: JSONElement, name: String) -> Int? {
        guard let value = root["state"] ?? root["value"] ?? root["status"] else { return nil }
        // The alarms of Victron's devices: none, a warning, an alarm.
        if name.contains("/Alarms/"), let number = value.integer { return [0: 2, 1: 4, 2: 5][number] }
        let isTrue = value.bool ?? value.integer.map { $0 == 1 } ?? value.string.flatMap { TextShape.isTrue($0) } ?? false
        guard isTrue else { return nil }
        return ([name] + ["id", "name", "entity_id"].compactMap { JSONFields.text(root[$0]) }).lazy.compactMap { text in
            let last = text.split { $0 == "/" || $0 == "." }.last ?? ""
            return FieldRole.hazard(Array(last.utf8).span)
        }.first
    }

    /// Adds a state such as `down` or `failure` to the title, unless the title or message contains it.
    private static func addState(of scan: FieldScan, to draft: inout Draft) {
        guard let state = scan.state, let title = draft.title, let word = SeverityWord(state) else { return }
        let said = word.isAvailability ? title : "\(title) \(draft.message?.prefix(200) ?? "")"
        guard !said.lowercased().contains(state.lowercased()) || draft.message == state else { return }
        draft.title = word.isAvailability ? "\(title) is \(state)" : "\(title): \(state)"
    }
}
