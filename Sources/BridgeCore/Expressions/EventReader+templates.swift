import JSON
import NIOCore

/// The event as templates see it, unlike `when:` and `match:`: tags and priority are never absent.
extension EventReader {
    /// The priority of an event without one: the middle of the scale.
    private static let defaultPriority = 3

    /// The value at a path; without tags `.tags` is an empty list, without a priority `.priority` is 3.
    func templateValue(at path: EventPath) -> EventValue {
        guard path.steps.isEmpty, let event = self.event else { return self.value(at: path) }
        switch path.root {
        case .tags: return .list(event.tags)
        case .priority: return .integer(event.priority ?? Self.defaultPriority)
        default: return self.value(at: path)
        }
    }

    /// The digits of a whole number of the payload other than 0; `nil` for any other value.
    func digits(at path: EventPath) -> String? {
        guard path.root == .payload, case .json(let element) = self.value(at: path) else { return nil }
        switch element.kind {
        case .integer, .unsigned:
            let text = element.text()
            return text == "0" ? nil : text
        default: return nil
        }
    }

    /// ``expressionInput`` with `tags` and `priority` in the JSON of an event that has none.
    ///
    /// - Precondition: an event is loaded.
    var templateInput: ExpressionInput {
        var input = self.expressionInput
        guard let event = self.event, event.tags.isEmpty || event.priority == nil else { return input }
        let end = event.json.writerIndex - 1
        guard event.json.getInteger(at: end, as: UInt8.self) == UInt8(ascii: "}") else { return input }
        var json = ByteBuffer()
        json.reserveCapacity(event.json.readableBytes + 32)
        json.writeImmutableBuffer(event.json)
        json.moveWriterIndex(to: json.writerIndex - 1)
        // The last of two members of one name counts, so a `null` before these does not matter.
        if event.priority == nil { json.writeString(",\"priority\":\(Self.defaultPriority)") }
        if event.tags.isEmpty { json.writeStaticString(",\"tags\":[]") }
        json.writeStaticString("}")
        input.json = json
        return input
    }
}
