import JSON
import NIOCore

/// A notification of Amazon SNS, whose `Message` is a text, or JSON of its own such as an alarm of CloudWatch.
enum NotificationServiceShape {
    static func draft(_ root: JSONElement) -> Draft? {
        guard let topic = JSONFields.text(root["TopicArn"]), let text = root["Message"]?.string else { return nil }
        let name = String(topic.split(separator: ":").last ?? "")
        let subject = JSONFields.text(root["Subject"])
        var draft = self.inner(text, name: subject ?? name) ?? TextShape.draft(text, subject: "", name: subject ?? name)
        draft.id = JSONFields.text(root["MessageId"])
        draft.timestamp = draft.timestamp ?? root["Timestamp"].flatMap { JSONFields.time($0) }
        return draft
    }

    private static func inner(_ text: String, name: String) -> Draft? {
        guard text.utf8.first == UInt8(ascii: "{") else { return nil }
        let parser = JSONParser()
        // The elements are valid only as long as the parser.
        defer { withExtendedLifetime(parser) {} }
        // A text that only looks like an object is a text.
        guard let root = try? parser.parse(ByteBuffer(string: text)), root.kind == .object else { return nil }
        return VendorShape.draft(root, name: name, attributes: Attributes())
    }
}
