import JSON
import NIOCore

/// The model's own JSON: an object with no other keys than the model's, and a `message` or at least a `title`.
///
/// Its id and timestamp are kept and its `payload` member is the payload, so that an event is unchanged after any
/// number of bridges.
enum NativeShape {
    static func draft(_ root: JSONElement, _ body: ByteBuffer) -> Draft? {
        // Without a message, the title is what happened.
        guard let message = root["message"]?.string ?? (root["message"] == nil ? JSONFields.text(root["title"]) : nil) else {
            return nil
        }
        var draft = Draft()
        draft.message = message
        var known = root["message"] == nil ? 0 : 1
        // A value of another type would be lost here; the heuristic keeps the whole body as the payload.
        if let id = root["id"] {
            guard id.kind == .string else { return nil }
            draft.id = id.string
            known += 1
        }
        if let title = root["title"] {
            guard title.kind == .string else { return nil }
            draft.title = title.string
            known += 1
        }
        if let priority = root["priority"] {
            guard let number = priority.double else { return nil }
            draft.priority = JSONFields.priority(number)
            known += 1
        }
        if let tags = root["tags"] {
            guard tags.kind == .array || tags.kind == .string else { return nil }
            draft.tags = JSONFields.tags(tags)
            known += 1
        }
        if let timestamp = root["timestamp"] {
            switch timestamp.kind {
            case .string, .integer, .double: draft.timestamp = JSONFields.timestamp(timestamp)
            default: return nil
            }
            known += 1
        }
        let hasPayload = root["payload"] != nil
        if hasPayload { known += 1 }
        // Any other key is not the model's; a repeated one would be lost.
        guard root.count == known else { return nil }
        if draft.title?.isEmpty == true { draft.title = nil }
        draft.id = draft.id.flatMap { EventID.isLegal($0) ? $0 : nil }
        draft.isNative = root["message"] != nil && draft.id != nil && draft.timestamp != nil
        if hasPayload {
            // A key that is written with escapes is not found, and the whole body is then the payload.
            guard let payload = JSONScanner.member("payload", of: body) else { return nil }
            draft.payload = payload
        }
        return draft
    }
}
