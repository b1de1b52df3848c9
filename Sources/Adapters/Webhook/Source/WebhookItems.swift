import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// The items of a body that has several: lines of JSON, a JSON text sequence (RFC 7464), a list or a CloudEvents batch.
enum WebhookItems {
    /// A body with more items is refused as a whole.
    static let limit = 1000

    /// What a body is.
    enum Outcome {
        /// One event.
        case one
        /// An event for each, all of them valid JSON.
        case several([ByteBuffer])
        case refused(HTTPResponse)
    }

    private static let lineTypes: Set<String> = [
        "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
        "application/x-jsonlines", "application/json-lines",
    ]

    /// Divides a body.
    ///
    /// - Parameter batch: `nil` divides what its type declares to be several items.
    static func split(_ request: HTTPRequest, _ batch: WebhookBatch?, _ parser: JSONParser) -> Outcome {
        let type = request.header("Content-Type") ?? ""
        // Nearly all senders: `application/jsonl`, the shortest type of several items, has 17 characters.
        guard batch != .one, batch != nil || type.utf8.count >= 17 else { return .one }
        switch MediaType.name(type) {
        case let name where self.lineTypes.contains(name): return self.lines(request.body, separator: 0x0A, parser)
        case "application/json-seq": return self.lines(request.body, separator: 0x1E, parser)
        case "application/cloudevents-batch+json":
            return self.list(request.body, parser) ?? .refused(.error(.badRequest, "Body must be a JSON list"))
        default:
            guard batch == .split, request.body.readableBytesView.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") else {
                return .one
            }
            return self.list(request.body, parser) ?? .one
        }
    }

    /// Items that a byte separates; white space around them is not part of them, and empty ones are none.
    private static func lines(_ body: ByteBuffer, separator: UInt8, _ parser: JSONParser) -> Outcome {
        var items: [ByteBuffer] = []
        var bytes = body.readableBytesView[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        for (number, line) in bytes.split(separator: separator, omittingEmptySubsequences: false).enumerated() {
            guard let item = self.trimmed(line) else { continue }
            guard items.count < self.limit else { return .refused(self.tooMany) }
            guard (try? parser.parse(item)) != nil else {
                // A text sequence begins with a separator.
                let place = separator == 0x0A ? "Line \(number + 1)" : "Record \(number)"
                return .refused(.error(.badRequest, "\(place) is not JSON"))
            }
            items.append(item)
        }
        if body.readableBytes > JSONParser.large { parser.trim() }
        return .several(items)
    }

    /// The elements of a list, byte for byte; `nil` for another body.
    private static func list(_ body: ByteBuffer, _ parser: JSONParser) -> Outcome? {
        defer { if body.readableBytes > JSONParser.large { parser.trim() } }
        guard let root = try? parser.parse(body), root.kind == .array else { return nil }
        var document = body
        if body.readableBytesView.starts(with: [0xEF, 0xBB, 0xBF]) { document.moveReaderIndex(forwardBy: 3) }
        guard let items = JSONScanner.items(of: document, atMost: self.limit + 1) else { return nil }
        guard items.count <= self.limit else { return .refused(self.tooMany) }
        // Copies, which keep the memory of no other item.
        return .several(items.map { ByteBuffer(bytes: $0.readableBytesView) })
    }

    /// A copy without white space at both ends, which keeps the memory of no other item; `nil` for white space alone.
    private static func trimmed(_ bytes: ByteBufferView.SubSequence) -> ByteBuffer? {
        guard let first = bytes.firstIndex(where: { $0 > 0x20 }), let last = bytes.lastIndex(where: { $0 > 0x20 }) else {
            return nil
        }
        return ByteBuffer(bytes: bytes[first...last])
    }

    private static var tooMany: HTTPResponse {
        .json(.payloadTooLarge, "{\"error\":\"Too many items in one request\",\"limit\":\(self.limit)}")
    }
}
