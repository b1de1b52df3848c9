import JSON
import NIOCore

/// The model's own JSON: an object with no other keys than the model's, and a `message`.
///
/// Its id and timestamp are kept and its `payload` member is the payload, so that an event comes out of any number of bridges as it went
/// into the first.
enum NativeShape {
    static func draft(_ root: JSONElement, _ body: ByteBuffer) -> Draft? {
        var draft = Draft()
        var isNative = true
        var hasPayload = false
        root.forEachMember { key, value in
            // A value of another type would be lost here; the heuristic keeps the whole body as payload.
            switch (key, value.kind) {
            case ("id", .string): draft.id = value.string
            case ("title", .string): draft.title = value.string
            case ("message", .string): draft.message = value.string
            case ("priority", .integer), ("priority", .double), ("priority", .unsigned):
                draft.priority = JSONFields.priority(value)
            case ("tags", .array), ("tags", .string): draft.tags = JSONFields.tags(value)
            case ("timestamp", .string), ("timestamp", .integer), ("timestamp", .double):
                draft.timestamp = JSONFields.timestamp(value)
            case ("payload", _): hasPayload = true
            default: isNative = false
            }
        }
        guard isNative, draft.message != nil else { return nil }
        if draft.title?.isEmpty == true { draft.title = nil }
        draft.id = draft.id.flatMap { EventID.isLegal($0) ? $0 : nil }
        draft.isNative = draft.id != nil && draft.timestamp != nil
        if hasPayload { draft.payload = JSONScanner.member("payload", of: body) }
        return draft
    }
}
