import BridgeCore
import JSON
import NIOCore

/// One entry of a Redis stream.
struct RedisStreamEntry: Sendable {
    /// `milliseconds-sequence`.
    let id: String
    /// Names and values in order; `nil` for an entry that was deleted after its delivery.
    let fields: [(name: ByteBuffer, value: ByteBuffer)]?
    /// How often it was delivered, if known.
    var deliveries: Int?
    /// The part that was too large; there are then no fields.
    var omission: RedisOmission?

    /// Names of fields that are the body if they are the only field.
    private static let bodies: Set<String> = ["event", "data", "payload", "json", "body"]
    /// Whether a field with that name is the body if it is the only one.
    static func isBody(_ name: String) -> Bool { self.bodies.contains(name) }
    /// Names of fields with attributes of the body.
    private static let attributes: Set<String> = [
        Provenance.originAttribute, Provenance.hopsAttribute, Provenance.traceAttribute, Self.idField,
    ]
    static let idField = "event-id"
    /// The attribute with the names of the members whose values are base64, as a JSON array.
    static let encodedValues = "redis-base64"
    /// The attribute with the names that are base64 themselves, as a JSON array.
    static let encodedNames = "redis-base64-names"

    init(id: String, fields: [(name: ByteBuffer, value: ByteBuffer)]?, omission: RedisOmission? = nil) {
        self.id = id
        self.fields = fields
        self.omission = omission
    }

    /// A pending entry with its content from XRANGE or XCLAIM; without fields if there is none.
    init(_ pending: RedisPendingEntry, content: RedisReply) {
        let found = Self.entries(content).first
        self.init(id: pending.id, fields: found?.fields, omission: found?.omission)
        self.deliveries = pending.deliveries
    }

    /// Reads the entries of an XREAD, XREADGROUP, XAUTOCLAIM or XRANGE answer.
    static func entries(_ reply: RedisReply) -> [RedisStreamEntry] {
        (reply.items ?? []).compactMap { entry in
            guard let parts = entry.items, let id = parts.first?.text else { return nil }
            if let omission = Self.omission(parts.dropFirst().first) {
                return RedisStreamEntry(id: id, fields: [], omission: omission)
            }
            guard parts.count > 1, let flat = parts[1].items else { return RedisStreamEntry(id: id, fields: nil) }
            let fields = stride(from: 0, to: flat.count - 1, by: 2).map { index in
                (flat[index].bytes ?? ByteBuffer(), flat[index + 1].bytes ?? ByteBuffer())
            }
            return RedisStreamEntry(id: id, fields: fields)
        }
    }

    /// The skipped part of an entry's content; one that can never be read takes precedence.
    private static func omission(_ content: RedisReply?) -> RedisOmission? {
        guard let content else { return nil }
        if let all = RedisOmission(content) { return all }
        var found: RedisOmission?
        for part in content.items ?? [] {
            guard let omission = RedisOmission(part) else { continue }
            if omission.extent == .alone { return omission }
            found = omission
        }
        return found
    }

    /// The message that replaces an entry over the limits.
    ///
    /// - Parameter reason: also its body.
    func replacement(stream: String, idSuffix: String, reason: String) -> ReceivedMessage {
        ReceivedMessage(
            subject: stream, body: ByteBuffer(string: reason), upstreamID: self.id + idSuffix,
            attributes: Attributes([("redis-id", self.id)])
        )
    }

    /// Makes the message of an entry; `nil` when it was deleted.
    ///
    /// A single field called `event`, `data`, `payload`, `json` or `body` is the body. Otherwise the body is a JSON
    /// object of all fields, in which names and values that are not UTF-8 are base64 and named by an attribute. The
    /// fields that our own sink adds become attributes.
    ///
    /// - Parameters:
    ///   - idSuffix: makes the entry's id unique, because entries of other streams may have the same; see
    ///     ``idSuffix(source:stream:)``.
    ///   - deliveries: how often it was delivered, if that matters.
    func message(stream: String, idSuffix: String = "", deliveries: Int? = nil) -> ReceivedMessage? {
        guard let fields else { return nil }
        var attributes = Attributes([("redis-id", self.id)])
        if let deliveries { attributes.append("redis-deliveries", String(deliveries)) }
        var content: [(name: ByteBuffer, value: ByteBuffer)] = []
        var eventID: String?
        for field in fields {
            let name = String(buffer: field.name)
            // Our own fields are text; other bytes under such a name come from another program.
            if Self.attributes.contains(name), field.value.isValidUTF8 {
                let text = String(buffer: field.value)
                if name == Self.idField { eventID = eventID ?? text }
                attributes.append(name, text)
            } else {
                content.append(field)
            }
        }
        let body = Self.body(content, &attributes)
        let milliseconds = self.id.split(separator: "-").first.flatMap { Int64($0) }
        return ReceivedMessage(
            subject: stream, body: body, upstreamID: eventID ?? self.id + idSuffix,
            timestamp: milliseconds.map { Timestamp(milliseconds: $0) }, attributes: attributes
        )
    }

    /// The suffix that makes the id of an entry unique among the events of all sources, the same in every process.
    static func idSuffix(source: String, stream: String) -> String {
        var hash = Fingerprint()
        hash.add(source)
        hash.add(stream)
        return ".\(hash.value.hexadecimal)"
    }

    /// A key that is the same for the same entry of the same stream, in every process.
    ///
    /// Includes the content, because a recreated stream may give the same ids to other entries.
    func repeatKey(stream: String) -> UInt64 {
        var hash = Fingerprint()
        hash.add(stream)
        hash.add(self.id)
        for field in self.fields ?? [] {
            field.name.withUnsafeReadableBytes { hash.add($0) }
            field.value.withUnsafeReadableBytes { hash.add($0) }
        }
        return hash.value
    }

    /// - Parameter attributes: receives the names of members in base64, so that the bytes can be restored.
    private static func body(_ fields: [(name: ByteBuffer, value: ByteBuffer)], _ attributes: inout Attributes) -> ByteBuffer {
        if fields.count == 1, self.bodies.contains(String(buffer: fields[0].name)) { return fields[0].value }
        var body = ByteBuffer()
        var names: [String] = []
        var values: [String] = []
        body.writeStaticString("{")
        for (index, member) in RedisEntryMember.members(of: fields).enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeImmutableBuffer(member.name)
            body.writeStaticString(":")
            let isText = member.writeValue(to: &body)
            if !member.isTextName { names.append(String(buffer: member.name)) }
            if !isText { values.append(String(buffer: member.name)) }
        }
        body.writeStaticString("}")
        if !values.isEmpty { attributes.append(self.encodedValues, "[\(values.joined(separator: ","))]") }
        if !names.isEmpty { attributes.append(self.encodedNames, "[\(names.joined(separator: ","))]") }
        return body
    }
}
