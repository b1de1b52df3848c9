import JSON

/// A workflow of n8n that failed, as its error trigger describes it: `workflow`, and `execution` or `trigger` with the error.
///
/// https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.errortrigger/
enum N8NShape {
    /// Makes the draft of such a failure; `nil` for any other object.
    static func draft(_ root: JSONElement) -> Draft? {
        // Every error trigger has a mode; others have a workflow and an execution too.
        guard let cause = root["execution"] ?? root["trigger"], cause["mode"] != nil, let error = cause["error"],
            error.kind == .object, let text = JSONFields.text(error["message"]),
            let workflow = JSONFields.text(root["workflow"]?["name"])
        else { return nil }
        var draft = Draft()
        draft.title = "\(workflow) failed"
        draft.message = [JSONFields.text(cause["lastNodeExecuted"]), text].compactMap(\.self).joined(separator: ": ")
        draft.priority = 4
        return draft
    }
}
