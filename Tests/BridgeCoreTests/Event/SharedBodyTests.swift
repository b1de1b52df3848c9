import JSON
import NIOCore
import Testing

@testable import BridgeCore

/// A body that is large is in memory once: as the payload within the event's JSON.
struct SharedBodyTests {
    private static let large = "{\"a\":\"\(String(repeating: "é", count: 5000))\"}"

    private static func event(_ body: String) -> Event {
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "here")
        let message = ReceivedMessage(subject: "a", body: ByteBuffer(string: body), contentType: "application/json")
        return normaliser.event(from: message, now: Timestamp(milliseconds: 0)).event
    }

    private static func isWithin(_ part: ByteBuffer?, _ whole: ByteBuffer) -> Bool {
        part?.withUnsafeReadableBytes { part in
            whole.withUnsafeReadableBytes { whole in
                let (start, end) = (whole.baseAddress!, whole.baseAddress! + whole.count)
                return part.baseAddress! >= start && part.baseAddress! + part.count <= end
            }
        } ?? false
    }

    @Test func `payload and body share the memory of the JSON`() {
        let event = Self.event(Self.large)
        #expect(event.payload == ByteBuffer(string: Self.large) && event.raw == ByteBuffer(string: Self.large))
        #expect(String(buffer: event.json).hasSuffix(",\"payload\":\(Self.large)}"))
        #expect(Self.isWithin(event.payload, event.json) && Self.isWithin(event.raw, event.json))
    }

    @Test(arguments: ["  \(large)\n", "{\r\n\(large.dropFirst())"])
    func `a body with other bytes than the payload stays unchanged`(body: String) {
        let event = Self.event(body)
        #expect(event.raw == ByteBuffer(string: body) && event.payload != event.raw)
        #expect(event.payload.map { JSONScanner.singleLine($0) } == event.payload)
        #expect(Self.isWithin(event.payload, event.json) && !Self.isWithin(event.raw, event.json))
    }

    @Test func `a small payload is unchanged, and an event without payload has none`() {
        let small = Self.event(#"{"a":1}"#)
        #expect(small.raw == ByteBuffer(string: #"{"a":1}"#) && !Self.isWithin(small.raw, small.json))
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "here")
        let text = ReceivedMessage(subject: "a", body: ByteBuffer(string: String(repeating: "x", count: 9000)))
        #expect(normaliser.event(from: text, now: .now()).event.payload == nil)
    }
}
