import Glibc
import JSON
import NIOCore

/// The model's own JSON exactly as ``EventJSON`` writes it, the usual form of events from other bridges.
///
/// Reads in one pass, in which only the payload needs a parser, and reuses the text. ``NativeShape`` handles any
/// deviation (another order, an escape, a non-ASCII byte) with the same result. Not thread-safe: it parses with one
/// parser.
final class CanonicalShape {
    private let limits: EventLimits
    /// A payload is one level deep.
    private let parser = JSONParser(levels: JSONParser.levels - 1)

    init(limits: EventLimits) {
        self.limits = limits
    }

    /// - Parameter body: any bytes.
    func draft(_ body: ByteBuffer) -> Draft? {
        var draft = Draft()
        let rest = body.withUnsafeReadableBytes { Self.read($0, self.limits, into: &draft) }
        guard let rest else { return nil }
        if case .payload(let payloadStart) = rest {
            // Up to the last brace.
            let view = body.readableBytesView
            guard view.last == UInt8(ascii: "}"),
                let payload = body.getSlice(at: body.readerIndex + payloadStart, length: view.count - payloadStart - 1),
                let first = payload.readableBytesView.first, let last = payload.readableBytesView.last, first > 0x20, last > 0x20,
                JSONScanner.isSingleLine(payload),
                self.isDocument(payload)
            else { return nil }
            draft.payload = payload
        }
        draft.json = body
        return draft
    }

    private func isDocument(_ payload: ByteBuffer) -> Bool {
        defer { if payload.readableBytes > JSONParser.large { self.parser.trim() } }
        return (try? self.parser.parse(payload)) != nil
    }

    /// What follows the timestamp.
    private enum Rest {
        case nothing
        /// A payload, from this offset on.
        case payload(Int)
    }

    /// Reads everything before the payload.
    private static func read(_ bytes: UnsafeRawBufferPointer, _ limits: EventLimits, into draft: inout Draft) -> Rest? {
        var scanner = Scanner(bytes: bytes)
        guard scanner.take("{\"id\":"), let id = scanner.string(atMost: 128), EventID.isLegal(id),
            scanner.take(",\"title\":"), let title = scanner.string(atMost: limits.title),
            scanner.take(",\"message\":"), let message = scanner.string(atMost: limits.message)
        else { return nil }
        guard !title.isEmpty || limits.absentTitle == "" else { return nil }
        draft.id = id
        draft.title = title.isEmpty ? nil : title
        draft.message = message
        if scanner.take(",\"priority\":") {
            guard let priority = scanner.byte(), (UInt8(ascii: "1")...UInt8(ascii: "5")).contains(priority) else { return nil }
            draft.priority = Int(priority - 48)
        }
        if scanner.take(",\"tags\":[") {
            repeat {
                guard let tag = scanner.string(atMost: bytes.count) else { return nil }
                draft.tags.append(tag)
            } while scanner.take(",")
            guard scanner.take("]") else { return nil }
        }
        guard scanner.take(",\"timestamp\":\""), let timestamp = scanner.timestamp(), scanner.take("\"") else { return nil }
        draft.timestamp = timestamp
        draft.isNative = true
        if scanner.take(",\"payload\":") { return .payload(scanner.index) }
        return scanner.take("}") && scanner.isAtEnd ? .nothing : nil
    }

    private struct Scanner {
        let bytes: UnsafeRawBufferPointer
        private(set) var index = 0

        init(bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
        }

        var isAtEnd: Bool { self.index == self.bytes.count }

        mutating func take(_ text: StaticString) -> Bool {
            let count = text.utf8CodeUnitCount
            guard let start = self.bytes.baseAddress, self.bytes.count - self.index >= count,
                memcmp(start + self.index, text.utf8Start, count) == 0
            else { return false }
            self.index += count
            return true
        }

        mutating func byte() -> UInt8? {
            guard self.index < self.bytes.count else { return nil }
            defer { self.index += 1 }
            return self.bytes[self.index]
        }

        /// A string of printable ASCII without escapes, from quote to quote.
        mutating func string(atMost limit: Int) -> String? {
            guard self.byte() == UInt8(ascii: "\"") else { return nil }
            let start = self.index
            // Eight bytes at a time, while all of them are plain.
            while self.bytes.count - self.index >= 8, Self.arePlain(self.word()) { self.index += 8 }
            while self.index < self.bytes.count {
                let byte = self.bytes[self.index]
                if byte == UInt8(ascii: "\"") {
                    guard self.index - start <= limit else { return nil }
                    defer { self.index += 1 }
                    return String(decoding: self.bytes[start..<self.index], as: UTF8.self)
                }
                guard byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") else { return nil }
                self.index += 1
            }
            return nil
        }

        private func word() -> UInt64 { self.bytes.loadUnaligned(fromByteOffset: self.index, as: UInt64.self) }

        /// Whether each of eight bytes is printable ASCII and neither a quote nor a backslash.
        private static func arePlain(_ word: UInt64) -> Bool {
            let ones: UInt64 = 0x0101_0101_0101_0101
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let deletes = word ^ (ones &* 0x7F)
            // The high bit of a byte is set if it was 0x80 or more, or if the subtraction borrowed. A borrow that
            // continues into the next byte comes from a refused one.
            let refused =
                word | (word &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones) | (deletes &- ones)
            return refused & (ones &* 0x80) == 0
        }

        mutating func timestamp() -> Timestamp? {
            guard self.bytes.count - self.index >= 24 else { return nil }
            defer { self.index += 24 }
            return Timestamp(canonical: UnsafeRawBufferPointer(rebasing: self.bytes[self.index..<self.index + 24]))
        }
    }
}
