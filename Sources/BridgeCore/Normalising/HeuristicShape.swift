import JSON

/// Any vendor's JSON: the first non-empty string under a key that usually holds a title or a message.
enum HeuristicShape {
    private static let scopes = [
        "issue", "pull_request", "data", "event", "submission", "object", "payload", "form_response",
    ]
    private static let titles = ["title", "subject", "name", "headline"]
    private static let messages = ["message", "body", "msg", "text", "content", "description", "summary"]

    /// Looks in the body itself, then in its well-known members that are objects, one level deep.
    static func draft(_ root: JSONElement) -> Draft {
        var draft = Draft()
        draft.title = self.first(self.titles, in: root)
        draft.message = self.first(self.messages, in: root)
        for scope in self.scopes where draft.title == nil || draft.message == nil {
            guard let member = root[scope], member.kind == .object else { continue }
            draft.title = draft.title ?? self.first(self.titles, in: member)
            draft.message = draft.message ?? self.first(self.messages, in: member)
        }
        if let title = draft.title, let action = JSONFields.text(root["action"]) { draft.title = "\(action): \(title)" }
        return draft
    }

    private static func first(_ keys: [String], in scope: JSONElement) -> String? {
        for key in keys {
            if let text = JSONFields.text(scope[key]) { return text }
        }
        return nil
    }
}
