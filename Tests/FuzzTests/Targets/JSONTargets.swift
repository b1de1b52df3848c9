import BridgeCore
import JSON
import NIOCore

extension FuzzTarget {
    /// The parser, the writer and the scanner: what is written parses again, to the same bytes.
    static let json = FuzzTarget(
        "json",
        seeds: [
            "{}", "[]", "null",
            "{\"a\":[1,-2.5e3,true,false,null,\"x\\n\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":18446744073709551615}}",
            " {\"payload\" : {\"a\":\"}\\\"{\"} , \"x\":\"\\\\\"}",
            "\"\\ud800\"", "[[[[]]]]", "{\"a\":1,\"a\":2}", "1e400", "{\"payload\":1e-400}\n", "9223372036854775808",
        ], words: ["{", "}", "[", "]", ":", ",", "\"", "\\u", "\\\"", "true", "false", "null", "payload", "1e", "-0", "0.0"]
    ) { bytes in
        let document = ByteBuffer(bytes: bytes)
        let parser = JSONParser()
        guard let root = try? parser.parse(document) else { return }
        _ = root.text()
        var written = ByteBuffer()
        root.write(to: &written)
        let second = JSONParser()
        guard let again = try? second.parse(written) else {
            throw FuzzFailure("\(String(buffer: written)) was written and does not parse")
        }
        var rewritten = ByteBuffer()
        again.write(to: &rewritten)
        try FuzzFailure.unless(
            written == rewritten, "\(String(buffer: written)) is written as \(String(buffer: rewritten)) the second time")
        let line = JSONScanner.singleLine(document)
        try FuzzFailure.unless(!line.readableBytesView.contains { $0 == 10 || $0 == 13 }, "a line holds a line end")
        let third = JSONParser()
        guard let single = try? third.parse(line) else { throw FuzzFailure("the document on one line does not parse") }
        var fromLine = ByteBuffer()
        single.write(to: &fromLine)
        try FuzzFailure.unless(written == fromLine, "the document on one line is another")
        if let member = JSONScanner.member("payload", of: document) {
            let fourth = JSONParser()
            guard let value = try? fourth.parse(member) else {
                throw FuzzFailure("the member found is not JSON: \(String(buffer: member))")
            }
            var (found, expected) = (ByteBuffer(), ByteBuffer())
            value.write(to: &found)
            root["payload"]?.write(to: &expected)
            try FuzzFailure.unless(
                found == expected, "the scanner found \(String(buffer: found)), the parser \(String(buffer: expected))")
        }
        withExtendedLifetime((parser, second, third)) {}
    }

    /// From a body to an event: its JSON is one valid line, and events survive a second provenance unchanged.
    static let normaliser = FuzzTarget(
        "normaliser",
        seeds: [
            "{\"id\":\"a\",\"title\":\"t\",\"message\":\"m\",\"priority\":3,\"tags\":[\"x\"],\"timestamp\":\"2026-01-15T10:00:00.000Z\",\"payload\":{\"a\":1}}",
            "{\"text\":\"Slack\",\"attachments\":[{\"title\":\"a\"}]}",
            "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"s\",\"id\":\"1\",\"data\":{}}",
            "{\"topic\":\"t\",\"message\":\"ntfy\",\"priority\":5,\"time\":1}",
            "{\"appid\":1,\"message\":\"Gotify\",\"extras\":{}}", "plain text", "[1,2]", "{\"state\":\"on\",\"temp\":21.5}",
            "\u{FEFF}{}", "{\"message\":\"a\\nb\\u2028\"}", "{\"id\":1,\"tags\":\"a,b\",\"priority\":\"high\",\"timestamp\":5}",
        ],
        words: [
            "\"id\":", "\"title\":", "\"message\":", "\"priority\":", "\"tags\":[", "\"timestamp\":\"", "\"payload\":",
            "2026-01-15T10:00:00.000Z", "text", "specversion", "data", "appid", "topic",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let type = [
            nil, "application/json", "text/plain", "application/cloudevents+json", "application/octet-stream",
            "text/plain; charset=utf-8",
        ][input.number(below: 6)]
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b")
        var message = ReceivedMessage(
            subject: "a/b", body: ByteBuffer(bytes: input.bytes), contentType: type, attributes: Attributes())
        let outcome = normaliser.event(from: message, now: now)
        let event = outcome.event
        let json = event.json
        try FuzzFailure.unless(
            !json.readableBytesView.contains { $0 == 10 || $0 == 13 || $0 == 0 }, "the event's JSON holds a line end or NUL")
        let parser = JSONParser(levels: 600)
        guard let root = try? parser.parse(json), root.kind == .object else {
            throw FuzzFailure("the event's JSON is none: \(String(buffer: json))")
        }
        try FuzzFailure.unless(root["id"]?.string == event.id, "the id is another in JSON")
        withExtendedLifetime(parser) {}
        // What one bridge writes, the next one takes byte for byte.
        message.body = json
        message.contentType = "application/json"
        let second = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "c").event(from: message, now: now)
        try FuzzFailure.unless(second.isNative, "an event is not known again: \(String(buffer: json))")
        try FuzzFailure.unless(
            second.event.json == json,
            "the second provenance made \(String(buffer: second.event.json)) of \(String(buffer: json))")
    }
}
