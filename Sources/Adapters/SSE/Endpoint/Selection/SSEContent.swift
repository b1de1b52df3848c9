import BridgeCore
import JSON
import NIOCore

/// What subscribers of a stream get of each event, where that differs from the event's JSON without a type.
///
/// Immutable. Streams with default settings have none, so that their events carry no reference to it.
final class SSEContent: Sendable {
    let format: SSESinkConfiguration.Format
    let fields: SSEFields
    private let cloudEvents: SSESinkConfiguration.CloudEvents

    /// - Returns: `nil` for default settings.
    init?(_ settings: SSESinkConfiguration) {
        guard settings.format != .json || !settings.include.isEmpty else { return nil }
        self.format = settings.format
        self.fields = SSEFields(settings.include)
        self.cloudEvents = settings.cloudEvents
    }

    /// The body of an event as text; malformed UTF-8 becomes U+FFFD.
    ///
    /// An event without a body, such as one of the program itself, has its message.
    static func text(of event: Event) -> ByteBuffer {
        event.raw.readableBytes == 0 ? ByteBuffer(string: event.message) : event.raw.repairingUTF8()
    }

    /// The base64 of an event's body, between quotes.
    static func base64(of event: Event) -> ByteBuffer {
        var text = ByteBuffer()
        let body = event.raw.readableBytes == 0 ? ByteBuffer(string: event.message) : event.raw
        Base64.writeQuoted(body, to: &text)
        return text
    }

    /// The approximate number of bytes that subscribers get of an event.
    func size(of event: Event) -> Int {
        switch self.format {
        case .json: event.json.readableBytes
        case .raw, .base64: max(event.json.readableBytes, event.raw.readableBytes * 4 / 3)
        case .cloudEvents: max(event.json.readableBytes, event.raw.readableBytes * 4 / 3) + 128
        }
    }

    /// The event as a CloudEvent (CloudEvents 1.0, JSON format §3), on one line.
    func cloudEvent(_ event: Event, type: String?) -> ByteBuffer {
        var json = ByteBuffer()
        json.reserveCapacity(event.json.readableBytes + 256)
        json.writeStaticString("{\"specversion\":\"1.0\"")
        json.writeMember("id", event.id)
        json.writeMember("source", self.cloudEvents.source + event.source)
        let standard = event.kind == .deadLetter ? "streambridge.dead-letter" : "streambridge.event"
        json.writeMember("type", type ?? standard)
        json.writeMember("time", event.timestamp.description)
        if !event.subject.isEmpty { json.writeMember("subject", event.subject) }
        self.writeData(of: event, to: &json)
        json.writeStaticString("}")
        return json
    }

    private func writeData(of event: Event, to json: inout ByteBuffer) {
        if let data = self.jsonData(of: event) {
            json.writeStaticString(",\"datacontenttype\":\"application/json\",\"data\":")
            json.writeImmutableBuffer(data)
        } else if event.raw.readableBytes == 0 {
            json.writeMember("datacontenttype", "text/plain")
            json.writeMember("data", event.message)
        } else if let text = event.raw.withUnsafeReadableBytes({ String(validating: $0, as: UTF8.self) }) {
            json.writeMember("datacontenttype", "text/plain")
            json.writeMember("data", text)
        } else {
            json.writeMember("datacontenttype", "application/octet-stream")
            json.writeStaticString(",\"data_base64\":")
            json.writeImmutableBuffer(Self.base64(of: event))
        }
    }

    /// The payload, or the event's JSON where that is requested or the body was an event's JSON without a payload.
    private func jsonData(of event: Event) -> ByteBuffer? {
        if self.cloudEvents.data == .event { return event.json }
        if let payload = event.payload { return payload }
        return event.raw.readableBytesView.first == UInt8(ascii: "{") ? event.json : nil
    }
}
