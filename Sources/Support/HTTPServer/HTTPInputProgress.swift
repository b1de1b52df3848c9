import NIOCore
import NIOHTTP1

/// The progress of one connection's parser: enough to explain a failure, and to detect input without content.
///
/// NIO's parser ignores empty lines and chunk framing, but a client must not send them forever.
struct HTTPInputProgress {
    /// What the connection is reading.
    enum Part {
        case head
        case body
        case other
    }

    /// The limit of parsed bytes per head, as a multiple of the limit of its fields.
    private static let longestHead = 4
    /// The allowed overhead of a body: this many bytes, plus as many per byte of data.
    ///
    /// A chunk of one byte takes six.
    private static let emptyBytes = 64 << 10
    private static let emptyShare = 8

    /// Bytes of the next head in the parser, which keeps them and makes fields of them.
    private(set) var headBytes = 0
    /// Bytes of the current body in the parser, including the framing.
    private var bodyBytes = 0
    /// How many of ``headBytes`` are empty lines before the request (RFC 9112 §2.2).
    private var blankBytes = 0
    /// The piece that the parser is processing, and the unfinished request line before it.
    private var piece: HTTPPiece?
    private var unfinishedLine: [UInt8] = []

    mutating func beganBody() { self.bodyBytes = 0 }

    mutating func endedHead() { self.headBytes = 0 }

    /// This many bytes go to the parser.
    mutating func willParse(_ bytes: Int, of part: Part) {
        self.piece = HTTPPiece()
        switch part {
        case .head: self.headBytes += bytes
        case .body: self.bodyBytes += bytes
        case .other: break
        }
    }

    /// The parser has produced a part.
    mutating func note(_ part: HTTPServerRequestPart) {
        self.piece?.note(part)
    }

    /// The parser has failed.
    ///
    /// - Returns: the answer; `nil` while it processes a piece, because the reason is determined after that.
    mutating func failed(_ error: HTTPParserError) -> HTTPResponse? {
        guard self.piece != nil else { return HTTPPiece().refusal(of: error, [], ByteBuffer()) }
        self.piece?.error = error
        return nil
    }

    /// The parser has processed a piece.
    ///
    /// - Parameter part: what the connection reads now.
    /// - Returns: why the parser failed, if it did.
    mutating func parsed(_ bytes: ByteBuffer, now part: Part) -> HTTPResponse? {
        guard let piece else { return nil }
        self.piece = nil
        if let error = piece.error { return piece.refusal(of: error, self.unfinishedLine, bytes) }
        if piece.heads > 0 { self.blankBytes = 0 }
        let beginsHead = self.headBytes <= bytes.readableBytes + self.blankBytes
        if part == .head, beginsHead, self.unfinishedLine.isEmpty, piece.isBlank(bytes) {
            self.blankBytes += bytes.readableBytes
        } else if part == .head, bytes.readableBytesView.last != 10, !self.unfinishedLine.isEmpty || beginsHead {
            self.unfinishedLine = piece.unfinishedLine(of: bytes, after: self.unfinishedLine)
        } else if !self.unfinishedLine.isEmpty {
            self.unfinishedLine = []
        }
        return nil
    }

    /// Whether an incomplete head has too many bytes.
    ///
    /// - Parameter headerBytes: the limit of its fields.
    func isHeadTooLong(headerBytes: Int) -> Bool {
        self.headBytes > Self.longestHead * headerBytes
    }

    /// Whether a body has too little data for its size (RFC 9112 §7.1.1).
    func isBodyTooEmpty(data: Int) -> Bool {
        self.bodyBytes > Self.emptyBytes + Self.emptyShare * data
    }
}
