import BridgeCore
import Glibc
import HTTPServer
import NIOCore

/// How events and control messages are written.
enum SSEFormat: Hashable, Sendable {
    /// `text/event-stream`, WHATWG HTML §9.2.
    case events
    /// `application/x-ndjson`: one JSON object a line.
    case lines

    var contentType: String {
        switch self {
        case .events: "text/event-stream"
        case .lines: "application/x-ndjson"
        }
    }

    /// Writes one event.
    ///
    /// In an event stream: `id:`, one `data:` line, a blank line. Events have no `event:` line, so that `onmessage`
    /// receives them, and a space after `data:`, which line-based clients search for. A gap has a type and no space, so
    /// that only clients that know gaps read it. On a line of JSON the id is a member named `cursor`, before the
    /// event's own.
    func write(_ event: Event, epoch: String, sequence: UInt64, into buffer: inout ByteBuffer) {
        assert(Self.isOneLine(event.json), "an event's JSON is one line")
        switch self {
        case .events:
            buffer.writeBytes(of: "id: ")
            buffer.writeString(epoch)
            buffer.writeBytes(of: "-")
            buffer.writeString(String(sequence))
            buffer.writeBytes(of: event.kind == .gap ? "\nevent: gap\ndata:" : "\ndata: ")
            buffer.writeEscapingLineEnds(event.json)
            buffer.writeBytes(of: "\n\n")
        case .lines:
            buffer.writeBytes(of: "{\"cursor\":\"")
            buffer.writeString(epoch)
            buffer.writeBytes(of: "-")
            buffer.writeString(String(sequence))
            buffer.writeBytes(of: event.kind == .gap ? "\",\"event\":\"gap\"," : "\",")
            buffer.writeEscapingLineEnds(
                event.json.getSlice(at: event.json.readerIndex + 1, length: event.json.readableBytes - 1)!)
            buffer.writeBytes(of: "\n")
        }
    }

    /// The first bytes of a stream: a comment that flushes the headers, the gap, the reconnection delay, and the
    /// cursor.
    ///
    /// A blank line ends only events: readers that check only blank lines would take other lines for an empty message.
    func opening(reconnect: Int64, gap: SSEGap?, position: SSECursor, padding: Int) -> String {
        var text = ""
        switch self {
        case .events:
            text = ": connected\n"
            if padding > 0 { text += ":\(String(repeating: " ", count: padding))\n" }
        case .lines:
            if padding > 0 { text += String(repeating: " ", count: padding) + "\n" }
        }
        if let gap { text += self.gap(gap) }
        return text + self.cursor(position, retry: reconnect)
    }

    /// Writes a gap.
    func gap(_ gap: SSEGap) -> String {
        switch self {
        case .events: "event: gap\ndata:{\(gap.members)}\n\n"
        case .lines: "{\"event\":\"gap\",\(gap.members)}\n"
        }
    }

    /// Writes the client's cursor without an event.
    ///
    /// Its data is JSON too, so that a client which reads events of every type finds no empty one.
    ///
    /// - Parameter retry: the delay before the next connection, in milliseconds; JSON lines do not have it.
    func cursor(_ position: SSECursor, retry: Int64? = nil) -> String {
        switch self {
        case .events:
            "\(retry.map { "retry: \($0)\n" } ?? "")event: cursor\nid: \(position)\ndata:{\"cursor\":\"\(position)\"}\n\n"
        case .lines: "{\"event\":\"cursor\",\"cursor\":\"\(position)\"}\n"
        }
    }

    /// The comment that keeps a quiet connection alive: a line that no reader treats as an event.
    var comment: String {
        switch self {
        case .events: ":\n"
        case .lines: "\n"
        }
    }

    private static func isOneLine(_ json: ByteBuffer) -> Bool {
        json.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return memchr(start, 10, bytes.count) == nil && memchr(start, 13, bytes.count) == nil
        }
    }
}
