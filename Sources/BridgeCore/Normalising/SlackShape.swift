import JSON

/// A body in the shape of Slack's incoming webhooks: any of `text`, `blocks`, `attachments`, and none of `message`, `body`, `msg`.
enum SlackShape {
    static func draft(_ root: JSONElement) -> Draft? {
        let blocks = root["blocks"], attachments = root["attachments"]
        guard root["text"] != nil || blocks != nil || attachments != nil,
            root["message"] == nil, root["body"] == nil, root["msg"] == nil
        else { return nil }
        var draft = Draft()
        draft.message = JSONFields.text(root["text"])
        if draft.message == nil {
            var sections: [String] = []
            blocks?.forEachItem { block in
                guard block["type"]?.string == "section", let text = JSONFields.text(block["text"]?["text"]) else { return }
                sections.append(text)
            }
            if !sections.isEmpty { draft.message = sections.joined(separator: "\n") }
        }
        attachments?.forEachItem { attachment in
            if draft.message == nil {
                draft.message =
                    JSONFields.text(attachment["fallback"]) ?? JSONFields.text(attachment["text"])
                    ?? JSONFields.text(attachment["pretext"])
            }
            if draft.title == nil { draft.title = JSONFields.text(attachment["title"]) }
        }
        return draft
    }
}
