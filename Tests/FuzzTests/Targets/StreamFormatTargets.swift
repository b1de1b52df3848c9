import BridgeCore
import JSON
import NIOCore

@testable import SSEAdapter

extension FuzzTarget {
    /// The output for subscribers: for every event, our own reader and one that reads line by line find one event with
    /// its JSON.
    static let streamFormat = FuzzTarget(
        "stream-format",
        seeds: [
            "{\"message\":\"a\\nb\",\"title\":\"\u{2028}\u{2029}\u{85}\"}", "plain \r\n text\u{0}",
            "{\"payload\":{\"a\":\"\u{E2}\"}}",
            "id: 1\ndata: x\n\n", "{\"id\":\"x\\u2028\",\"tags\":[\"\u{2028}\"]}", "\u{FEFF}\u{85}",
        ],
        words: [
            "\u{2028}", "\u{2029}", "\u{85}", "\\u2028", "\n", "\r", "data:", "\"message\":\"", "\"title\":\"", "\"payload\":",
        ]
    ) { bytes in
        let message = ReceivedMessage(subject: "a", body: ByteBuffer(bytes: bytes), attributes: Attributes())
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        let event = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(from: message, now: now).event
        var stream = ByteBuffer()
        SSEFormat.events.write(SSEItem(event: event, sequence: 7), epoch: "e", into: &stream)
        var items: [SSEParser.Item] = []
        var parser = SSEParser(limit: 1 << 20)
        parser.feed(stream, into: &items)
        guard items.count == 1, case .event(let found) = items[0], found.lastEventID == "e-7" else {
            throw FuzzFailure("an event is sent as \(String(buffer: stream))")
        }
        try FuzzFailure.unless(
            try Self.canonical(found.data) == Self.canonical(event.json), "\(String(buffer: event.json)) is sent as other JSON")
        try Self.checkContents(of: event)
        var lines = ByteBuffer()
        SSEFormat.lines.write(SSEItem(event: event, sequence: 7), epoch: "e", into: &lines)
        for text in [stream, lines] {
            // What Python's splitlines divides at.
            let count = String(buffer: text).unicodeScalars.count {
                [0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029].contains($0.value)
            }
            try FuzzFailure.unless(count == (text == lines ? 1 : 3), "an event has \(count) line ends: \(String(buffer: text))")
        }
        _ = try Self.canonical(lines.getSlice(at: 0, length: lines.readableBytes - 1) ?? lines)
        let text = String(decoding: bytes, as: UTF8.self)
        let gap = SSEGap(requested: text, oldest: nil, newest: nil, dropped: nil, reason: .malformed)
        _ = try Self.canonical(ByteBuffer(string: "{\(gap.members)}"))
        try FuzzFailure.unless(!gap.members.utf8.contains { $0 == 10 || $0 == 13 }, "a gap has two lines")
    }

    /// Each format is one event with the type of the sink, whatever the body is.
    private static func checkContents(of event: Event) throws {
        var settings = try SSESinkConfiguration(stream: "s")
        let text = String(buffer: SSEContent.text(of: event))
        for format in SSESinkConfiguration.Format.allCases {
            settings.format = format
            let type = SSEEventType.type(event.message)
            let item = SSEItem(event: event, sequence: 7, type: type, content: SSEContent(settings))
            var stream = ByteBuffer()
            SSEFormat.events.write(item, fields: [.source, .subject, .attributes], epoch: "e", into: &stream)
            var items: [SSEParser.Item] = []
            var parser = SSEParser(limit: 1 << 22)
            parser.feed(stream, into: &items)
            guard items.count == 1, case .event(let found) = items[0], found.lastEventID == "e-7", found.type == type ?? "message"
            else { throw FuzzFailure("\(format) is sent as \(String(buffer: stream))") }
            var lines = ByteBuffer()
            SSEFormat.lines.write(item, epoch: "e", into: &lines)
            _ = try Self.canonical(lines.getSlice(at: 0, length: lines.readableBytes - 1) ?? lines)
            switch format {
            case .json, .cloudEvents: _ = try Self.canonical(found.data)
            case .base64: try FuzzFailure.unless(Base64.bytes(found.data.readableBytesView) != nil, "not base64: \(found.data)")
            case .raw:
                try FuzzFailure.unless(
                    String(buffer: found.data).utf8.elementsEqual(Self.withLineFeeds(text)), "\(text) is sent as \(found.data)")
            }
        }
    }

    /// Each line end as LF (WHATWG HTML §9.2.5), by bytes: for a string CR LF is one character, which CR is not found in.
    private static func withLineFeeds(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 13 {
                bytes.append(10)
            } else if byte != 10 || previous != 13 {
                bytes.append(byte)
            }
            previous = byte
        }
        return bytes
    }

    /// As the parser writes it again.
    private static func canonical(_ json: ByteBuffer) throws -> ByteBuffer {
        let parser = JSONParser(levels: 600)
        guard let root = try? parser.parse(json) else { throw FuzzFailure("this is not JSON: \(String(buffer: json))") }
        var written = ByteBuffer()
        root.write(to: &written)
        withExtendedLifetime(parser) {}
        return written
    }
}
