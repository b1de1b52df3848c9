import JSON

/// A body in the shape of Slack's incoming webhooks: any of `text`, `blocks`, `attachments`, and none of `message`, `body`, `msg`.
///
/// A `text` beside a title, level, state or time is another sender's.
enum SlackShape {
    static func draft(_ root: JSONElement) -> Draft? {
        let blocks = root["blocks"], attachments = root["attachments"]
        guard root["text"] != nil || blocks != nil || attachments != nil,
            root["message"] == nil, root["body"] == nil, root["msg"] == nil,
            blocks != nil || attachments != nil || !self.isOther(root)
        else { return nil }
        var draft = Draft()
        draft.message = JSONFields.text(root["text"])
        blocks.map { self.add(blocks: $0, to: &draft) }
        attachments?.forEachItem { self.add(attachment: $0, to: &draft) }
        // A `text` that is not a string is not Slack's; the general shape handles it.
        return draft.message == nil && draft.title == nil ? nil : draft
    }

    /// Whether an object with a `text` alone has a title, level, state or time, which Slack's messages have not.
    private static func isOther(_ root: JSONElement) -> Bool {
        var isOther = false
        root.whileMembers { name, value in
            switch FieldRole.match(name)?.role {
            case .title, .level, .state, .time: isOther = value.kind != .null
            default: break
            }
            return !isOther
        }
        return isOther
    }

    /// The header, or a first line in bold, is the title; the texts of the other blocks are the message, unless there is a `text`.
    private static func add(blocks: JSONElement, to draft: inout Draft) {
        var sections: [String] = []
        var context: [String] = []
        blocks.forEachItem { block in
            switch block["type"]?.string {
            case "header": draft.title = draft.title ?? JSONFields.text(block["text"]?["text"])
            case "section":
                if let text = JSONFields.text(block["text"]?["text"]) { sections.append(text) }
                block["fields"]?.forEachItem { if let text = JSONFields.text($0["text"]) { sections.append(text) } }
            case "context": block["elements"]?.forEachItem { if let text = JSONFields.text($0["text"]) { context.append(text) } }
            case "markdown": if let text = JSONFields.text(block["text"]) { sections.append(text) }
            case "rich_text":
                var text = ""
                self.collect(block["elements"], into: &text, levels: 6)
                if !text.isEmpty { sections.append(text) }
            default: break
            }
        }
        guard draft.message == nil else { return }
        // Without a header, senders write one in bold.
        if draft.title == nil, let heading = sections.first.flatMap({ self.heading(of: $0) }) {
            draft.title = heading.title
            sections[0] = heading.rest
        }
        sections = (sections + context).filter { !$0.isEmpty }
        if !sections.isEmpty { draft.message = sections.joined(separator: "\n") }
    }

    /// The first line of a text, where all of it is bold.
    private static func heading(of text: String) -> (title: String, rest: String)? {
        let lines = text.split(separator: "\n", maxSplits: 1)
        guard let first = lines.first?.trimmed, first.utf8.count > 2, first.hasPrefix("*"), first.hasSuffix("*"),
            !first.dropFirst().dropLast().contains("*")
        else { return nil }
        return (String(first.dropFirst().dropLast()), lines.count > 1 ? String(lines[1]) : "")
    }

    private static func add(attachment: JSONElement, to draft: inout Draft) {
        if draft.message == nil {
            draft.message =
                JSONFields.text(attachment["text"]) ?? JSONFields.text(attachment["fallback"])
                ?? JSONFields.text(attachment["pretext"])
        }
        draft.title = draft.title ?? JSONFields.text(attachment["title"])
        draft.timestamp = draft.timestamp ?? attachment["ts"].flatMap { JSONFields.time($0) }
        draft.priority = draft.priority ?? JSONFields.text(attachment["color"]).flatMap { SeverityWord($0)?.priority }
        attachment["blocks"].map { self.add(blocks: $0, to: &draft) }
    }

    /// The texts of rich text, in order.
    private static func collect(_ elements: JSONElement?, into text: inout String, levels: Int) {
        guard levels > 0 else { return }
        elements?.forEachItem { element in
            if let part = element["text"]?.string { text += part }
            self.collect(element["elements"], into: &text, levels: levels - 1)
        }
    }
}
