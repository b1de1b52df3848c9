import JSON
import NIOCore

/// Renders the event's JSON on one line: `id, title, message, priority, tags, timestamp, payload` in that order,
/// without absent members.
enum EventJSON {
    static func render(
        id: String, title: String?, message: String, priority: Int?, tags: [String], timestamp: Timestamp, payload: ByteBuffer?
    ) -> ByteBuffer {
        var json = ByteBuffer()
        json.reserveCapacity(128 + id.utf8.count + (title?.utf8.count ?? 0) + message.utf8.count + (payload?.readableBytes ?? 0))
        json.writeStaticString("{\"id\":")
        JSONWriter.write(id, to: &json)
        if let title {
            json.writeStaticString(",\"title\":")
            JSONWriter.write(title, to: &json)
        }
        json.writeStaticString(",\"message\":")
        JSONWriter.write(message, to: &json)
        if let priority {
            json.writeStaticString(",\"priority\":")
            json.writeInteger(UInt8(48 + priority))
        }
        if !tags.isEmpty {
            json.writeStaticString(",\"tags\":")
            for (index, tag) in tags.enumerated() {
                json.writeInteger(index == 0 ? UInt8(ascii: "[") : UInt8(ascii: ","))
                JSONWriter.write(tag, to: &json)
            }
            json.writeInteger(UInt8(ascii: "]"))
        }
        json.writeStaticString(",\"timestamp\":\"")
        json.writeWithUnsafeMutableBytes(minimumWritableBytes: 24) { room in
            timestamp.write(into: room.bindMemory(to: UInt8.self))
        }
        json.writeInteger(UInt8(ascii: "\""))
        if let payload {
            json.writeStaticString(",\"payload\":")
            json.writeImmutableBuffer(payload)
        }
        json.writeInteger(UInt8(ascii: "}"))
        return json
    }
}
