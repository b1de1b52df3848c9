package import NIOCore
package import NIOHTTP1

/// One complete answer.
package struct HTTPResponse: Sendable {
    /// The status code.
    package var status: HTTPResponseStatus
    /// Without `Content-Length`, `Connection`, `Transfer-Encoding`, `Date` and `Server`, which the server writes.
    ///
    /// A field whose name or value contains CR, LF or NUL is omitted; HTTP/2 also omits invalid names (RFC 9110 §5.1).
    package var headers: [(name: String, value: String)]
    /// The whole body; empty for none.
    package var body: ByteBuffer

    /// Whether an answer with this status has neither a body nor its length (RFC 9110 §8.6).
    var isBodyless: Bool { self.status == .noContent || self.status == .notModified }

    /// Makes an answer without a body by default.
    package init(_ status: HTTPResponseStatus, headers: [(name: String, value: String)] = [], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer with a JSON body.
    package static func json(
        _ status: HTTPResponseStatus, _ text: String, headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        HTTPResponse(status, headers: [("Content-Type", "application/json")] + headers, body: ByteBuffer(string: text))
    }

    /// The longest message of a refusal in bytes, since it may quote the client.
    private static let messageLimit = 1000

    /// `{"error":"…"}`: the form of every refusal; a message is truncated to 1000 bytes.
    package static func error(
        _ status: HTTPResponseStatus, _ message: String, headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        var message = message
        if message.utf8.count > Self.messageLimit {
            message = String(decoding: message.utf8.prefix(Self.messageLimit), as: UTF8.self) + "…"
        }
        return Self.json(status, "{\"error\":\(message.jsonLiteral)}", headers: headers)
    }

    /// Writes the status line, the header fields and, if `withBody`, the body.
    ///
    /// - Parameters:
    ///   - length: the value of `Content-Length`; `nil` omits the field.
    ///   - framing: further lines, such as `Connection: close\r\n`.
    func write(into buffer: inout ByteBuffer, date: String, length: Int?, framing: StaticString, withBody: Bool) {
        buffer.writeBytes(of: "HTTP/1.1 ")
        buffer.writeString(String(self.status.code))
        buffer.writeBytes(of: " ")
        buffer.writeString(self.status.reasonPhrase)
        buffer.writeBytes(of: "\r\nServer: streambridge\r\nDate: ")
        buffer.writeString(date)
        buffer.writeBytes(of: "\r\n")
        for (name, value) in self.headers where name.isHeaderText && value.isHeaderText {
            buffer.writeString(name)
            buffer.writeBytes(of: ": ")
            buffer.writeString(value)
            buffer.writeBytes(of: "\r\n")
        }
        if let length {
            buffer.writeBytes(of: "Content-Length: ")
            buffer.writeString(String(length))
            buffer.writeBytes(of: "\r\n")
        }
        buffer.writeBytes(of: framing)
        buffer.writeBytes(of: "\r\n")
        if withBody {
            buffer.writeImmutableBuffer(self.body)
        }
    }
}

extension String {
    /// The text as a JSON string with its quotes (RFC 8259 §7).
    package var jsonLiteral: String {
        // Most texts need no escape: to append them scalar by scalar costs ten times as much.
        let needsEscape = self.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        guard needsEscape else { return "\"\(self)\"" }
        var result = "\""
        for scalar in self.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case let control where control.value < 32:
                let hex = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether it is safe as the text of a header field (RFC 9110 §5.5).
    var isHeaderText: Bool {
        !self.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 }
    }
}

extension ByteBuffer {
    /// Appends the bytes of a literal.
    ///
    /// The same as `writeStaticString`, at a third of its cost.
    package mutating func writeBytes(of text: StaticString) {
        self.writeBytes(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
