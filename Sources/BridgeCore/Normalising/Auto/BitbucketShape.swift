import JSON

/// Pushes as Bitbucket Cloud sends them: `push.changes` with the branch before and after.
///
/// https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
enum BitbucketShape {
    /// Makes the draft of a push; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        guard let changes = root["push"]?["changes"], changes.kind == .array, let change = changes[0] else { return nil }
        let place = JSONFields.text(root["repository"]?["full_name"]) ?? JSONFields.text(root["repository"]?["name"])
        let new = change["new"].flatMap { $0.kind == .object ? $0 : nil }
        let branch = JSONFields.text((new ?? change["old"])?["name"]) ?? ""
        let what = new == nil ? "deleted \(branch)" : "push to \(branch)"
        var draft = Draft()
        draft.title = place.map { "\($0): \(what)" } ?? what
        let text = JSONFields.text(new?["target"]?["message"]).map { String($0[...].trimmedLines) } ?? what
        draft.message = JSONFields.text(root["actor"]?["display_name"]).map { "\($0): \(text)" } ?? text
        draft.timestamp = new?["target"]?["date"].flatMap { JSONFields.time($0) }
        return draft
    }
}
