import NIOCore
import NIOHTTP1

/// One piece of a parser's input, and how far the parser got: enough to explain a failure.
///
/// NIO's parser reports what kind of element it rejected, not where.
struct HTTPPiece {
    /// The complete request heads in it.
    private(set) var heads = 0
    /// The bytes of a body after the last of them, or at the beginning of the piece.
    private(set) var bodyBytes = 0
    /// Why the parser failed.
    var error: HTTPParserError?

    /// Records what the parser has produced from it.
    mutating func note(_ part: HTTPServerRequestPart) {
        switch part {
        case .head:
            self.heads += 1
            self.bodyBytes = 0
        case .body(let bytes): self.bodyBytes += bytes.readableBytes
        case .end: break
        }
    }

    /// The answer to a request that the parser rejected, regardless of how its bytes were split.
    ///
    /// - Parameters:
    ///   - before: what ``unfinishedLine(of:after:)`` returned for the pieces before.
    ///   - bytes: this piece.
    func refusal(of error: HTTPParserError, _ before: [UInt8], _ bytes: ByteBuffer) -> HTTPResponse {
        switch error {
        case .headerOverflow:
            return .error(.requestHeaderFieldsTooLarge, "Request header fields too large")
        case .invalidVersion:
            // The parser treats a line end without CR as part of the version.
            guard !self.line(of: bytes, after: before).hasSpokenVersion else {
                return .error(.badRequest, "The request line does not end with CR LF")
            }
            return .error(.httpVersionNotSupported, "Only HTTP/1.0 and HTTP/1.1 are supported")
        case .lfExpected:
            return .error(.badRequest, "A line of the request head does not end with CR LF")
        case .invalidMethod, .invalidConstant:
            let line = self.line(of: bytes, after: before)
            let hasUnknownMethod = error == .invalidMethod ? line.hasUnknownMethod : line.method?.isKnown == false
            return hasUnknownMethod ? .unknownMethod(line.method) : .error(.badRequest, "Malformed HTTP request")
        default:
            return .error(.badRequest, "Malformed HTTP request")
        }
    }

    /// Whether nothing but the ends of empty lines is in it.
    func isBlank(_ bytes: ByteBuffer) -> Bool {
        self.heads == 0 && bytes.readableBytesView.allSatisfy { $0 == 13 || $0 == 10 }
    }

    private func line(of bytes: ByteBuffer, after before: [UInt8]) -> HTTPRequestLine {
        let rest = self.rest(of: bytes, after: before).prefix { $0 != 10 && $0 != 13 }
        return HTTPRequestLine(bytes: (self.heads == 0 ? before : []) + rest.prefix(HTTPRequestLine.longest))
    }

    /// The part so far of a request line that continues in the next piece; empty if none does.
    func unfinishedLine(of bytes: ByteBuffer, after before: [UInt8]) -> [UInt8] {
        let rest = self.rest(of: bytes, after: before)
        guard !rest.contains(10) else { return [] }
        return HTTPRequestLine.shortened((self.heads == 0 ? before : []) + rest)
    }

    /// The bytes of the last, unfinished request in this piece.
    private func rest(of bytes: ByteBuffer, after before: [UInt8]) -> ByteBufferView {
        func isLineEnd(_ byte: UInt8) -> Bool { byte == 13 || byte == 10 }
        var rest = bytes.readableBytesView
        for _ in 0..<self.heads {
            rest = rest.drop(while: isLineEnd)
            guard let end = Self.end(ofHead: rest) else { break }
            rest = rest[end...]
        }
        rest = rest.dropFirst(self.bodyBytes)
        // Empty lines may precede a request (RFC 9112 §2.2), but a line end after its first bytes ends its first line.
        return self.heads == 0 && !before.isEmpty ? rest : rest.drop(while: isLineEnd)
    }

    private static func end(ofHead bytes: ByteBufferView) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        return bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual(mark) }.map { $0 + 4 }
    }
}
