import JSON
import NIOCore

@testable import BridgeCore

extension FuzzTarget {
    /// `decode` and `split` of a source: what is unpacked is bounded, what claims to be JSON is, and items are those of the parser.
    static let decodings = FuzzTarget(
        "decodings",
        seeds: [
            "\u{1}a=1&b=x+y%21&a=2", "\u{1}payload=%7B%22a%22%3A1%7D", "\u{3}aGVsbG8=", "\u{0}\"{\\\"a\\\":1}\"",
            "\u{0}[1, {\"a\":[\"]\",2]} ,\"x\"]", "\u{2}\u{1}", "\u{2}\u{7F}", "\u{4}x", "\u{5}x", "\u{6}x", "\u{7}text",
        ], words: ["%", "=", "&", "+", "payload", "\\u", "[", "]", "{", "}", ",", "\""]
    ) { bytes in
        let steps: [BodyDecoding] = [
            .json, .form, .messagePack, .base64, .gzip, .deflate, .zstd, .text(charset: "utf-16"),
        ]
        guard let first = bytes.first else { return }
        let step = steps[Int(first) % steps.count]
        let body = ByteBuffer(bytes: bytes.dropFirst())
        let parser = JSONParser()
        guard let result = try? step.decode(DecodedBody(bytes: body, contentType: nil), parser: parser) else { return }
        try FuzzFailure.unless(
            result.bytes.readableBytes <= max(BodyDecoding.limit + (64 << 10), 6 * body.readableBytes + 64),
            "\(step) made \(result.bytes.readableBytes) bytes of \(body.readableBytes)")
        guard step.yieldsJSON else { return }
        guard let root = try? parser.parse(result.bytes) else {
            // simdjson reads no deeper than its limit, and MessagePack has one of its own.
            throw FuzzFailure("\(step) made \(String(buffer: result.bytes)), which is not JSON")
        }
        guard let items = JSONScanner.items(of: result.bytes) else {
            return try FuzzFailure.unless(root.kind != .array, "an array has no items")
        }
        try FuzzFailure.unless(
            items.count == root.count || root.count > 0xFF_FFFE, "\(items.count) of \(root.count) items were found")
        var expected: [String] = []
        root.forEachItem { expected.append($0.text()) }
        for (item, text) in zip(items, expected) {
            let other = JSONParser()
            try FuzzFailure.unless((try? other.parse(item).text()) == text, "an item is \(String(buffer: item)) and not \(text)")
            withExtendedLifetime(other) {}
        }
    }

    /// Rules and files of time zones, and local times.
    static let zones = FuzzTarget(
        "zones", seeds: ["CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30", "XXX3YYY,J60/0,J300/0", "2026-07-01T12:00:00.250"],
        words: ["TZif2", ",M3.5.0", ",J60", "/3", "<+03>", "-3"]
    ) { bytes in
        if let rule = ZoneRule(String(decoding: bytes, as: UTF8.self)) {
            for time in [0, 1_800_000_000, 4_000_000_000] as [Int64] {
                try FuzzFailure.unless(abs(rule.offset(at: time)) <= 168 * 3600 + 3600, "an offset is \(rule.offset(at: time)) s")
            }
        }
        if let zone = LocalZone(Array(bytes)) {
            _ = zone.time(ofLocal: 1_800_000_000)
            _ = Timestamp(local: "2026-07-01T12:00:00", in: zone)
        }
    }
}
