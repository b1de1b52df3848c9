import BridgeCore
import JSON
import NIOCore

/// One entry of a Redis stream.
struct RedisStreamEntry: Sendable {
    /// `milliseconds-sequence`.
    let id: String
    /// Names and values in order; `nil` for an entry that was deleted after it had been handed out.
    let fields: [(name: String, value: ByteBuffer)]?
    /// How often it was handed out, where that is known.
    var deliveries: Int?

    /// Names of a field that alone is the body.
    private static let bodies: Set<String> = ["event", "data", "payload", "json", "body"]
    /// Names of fields that are about the body.
    private static let attributes: Set<String> = [
        Passage.originAttribute, Passage.hopsAttribute, Passage.traceAttribute, Self.idField,
    ]
    static let idField = "event-id"

    /// Reads the entries of an XREAD, XREADGROUP, XAUTOCLAIM or XRANGE answer.
    static func entries(_ reply: RedisReply) -> [RedisStreamEntry] {
        (reply.items ?? []).compactMap { entry in
            guard let parts = entry.items, let id = parts.first?.text else { return nil }
            guard parts.count > 1, let flat = parts[1].items else { return RedisStreamEntry(id: id, fields: nil) }
            let fields = stride(from: 0, to: flat.count - 1, by: 2).map { index -> (String, ByteBuffer) in
                if case .bulk(let value) = flat[index + 1] { return (flat[index].text ?? "", value) }
                return (flat[index].text ?? "", ByteBuffer())
            }
            return RedisStreamEntry(id: id, fields: fields)
        }
    }

    /// The message of an entry; `nil` when it was deleted.
    ///
    /// A single field called `event`, `data`, `payload`, `json` or `body` is the body as it is; otherwise the body is a JSON object of all
    /// fields. The fields that our own sink adds become attributes.
    func message(stream: String, deliveries: Int? = nil) -> ReceivedMessage? {
        guard let fields else { return nil }
        var attributes = Attributes([("redis-id", self.id)])
        if let deliveries { attributes.append("redis-deliveries", String(deliveries)) }
        var content: [(name: String, value: ByteBuffer)] = []
        var eventID: String?
        for field in fields {
            if Self.attributes.contains(field.name) {
                let text = String(buffer: field.value)
                if field.name == Self.idField { eventID = text }
                attributes.append(field.name, text)
            } else {
                content.append(field)
            }
        }
        let milliseconds = self.id.split(separator: "-").first.flatMap { Int64($0) }
        return ReceivedMessage(
            subject: stream, body: Self.body(content), upstreamID: eventID ?? self.id,
            timestamp: milliseconds.map { Timestamp(milliseconds: $0) }, attributes: attributes
        )
    }

    /// The same for the same entry of the same stream, in every process.
    ///
    /// With its content, because a stream that was made anew may give the same ids to others.
    func repeatKey(stream: String) -> UInt64 {
        var hash = Fingerprint()
        hash.add(stream)
        hash.add(self.id)
        for field in self.fields ?? [] {
            hash.add(field.name)
            field.value.withUnsafeReadableBytes { hash.add($0) }
        }
        return hash.value
    }

    private static func body(_ fields: [(name: String, value: ByteBuffer)]) -> ByteBuffer {
        if fields.count == 1, self.bodies.contains(fields[0].name) { return fields[0].value }
        var body = ByteBuffer()
        body.writeStaticString("{")
        for (index, field) in fields.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            JSONWriter.write(field.name, to: &body)
            body.writeStaticString(":")
            JSONWriter.write(String(buffer: field.value), to: &body)
        }
        body.writeStaticString("}")
        return body
    }
}
