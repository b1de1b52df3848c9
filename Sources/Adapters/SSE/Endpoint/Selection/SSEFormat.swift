import BridgeCore
import Glibc
import NIOCore

/// How events and what accompanies them are written.
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
    /// In an event stream: `id:`, one `data:` line, a blank line. Events have no `event:` line, so that `onmessage` hears them, and a
    /// space behind `data:`, which clients that read line by line look for. A gap is for those who know of it: a type of its own and no
    /// space. On a line of JSON the id is a member named `cursor`, before the event's own.
    func write(_ event: Event, epoch: String, sequence: UInt64, into buffer: inout ByteBuffer) {
        assert(Self.isOneLine(event.json), "an event's JSON is one line")
        switch self {
        case .events:
            buffer.writeStaticString("id: ")
            buffer.writeString(epoch)
            buffer.writeStaticString("-")
            buffer.writeString(String(sequence))
            buffer.writeStaticString(event.kind == .gap ? "\nevent: gap\ndata:" : "\ndata: ")
            buffer.writeEscapingLineEnds(event.json)
            buffer.writeStaticString("\n\n")
        case .lines:
            buffer.writeStaticString("{\"cursor\":\"")
            buffer.writeString(epoch)
            buffer.writeStaticString("-")
            buffer.writeString(String(sequence))
            buffer.writeStaticString(event.kind == .gap ? "\",\"event\":\"gap\"," : "\",")
            buffer.writeEscapingLineEnds(
                event.json.getSlice(at: event.json.readerIndex + 1, length: event.json.readableBytes - 1)!)
            buffer.writeStaticString("\n")
        }
    }

    /// The first bytes of a stream: a comment that forces the headers through, what is lost, the waiting time, and where the client
    /// stands, so that one that is cut off before its first event resumes without loss.
    ///
    /// No blank line ends what is no event: readers that look at nothing but blank lines would take it for an empty message.
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

    /// Tells of a loss.
    func gap(_ gap: SSEGap) -> String {
        switch self {
        case .events: "event: gap\ndata:{\(gap.members)}\n\n"
        case .lines: "{\"event\":\"gap\",\(gap.members)}\n"
        }
    }

    /// Tells where the client stands without an event.
    ///
    /// Its data is JSON too, so that a client which reads events of every type finds no empty one.
    ///
    /// - Parameter retry: the waiting time before the next connection, in milliseconds; a line of JSON has no place for it.
    func cursor(_ position: SSECursor, retry: Int64? = nil) -> String {
        switch self {
        case .events:
            "\(retry.map { "retry: \($0)\n" } ?? "")event: cursor\nid: \(position)\ndata:{\"cursor\":\"\(position)\"}\n\n"
        case .lines: "{\"event\":\"cursor\",\"cursor\":\"\(position)\"}\n"
        }
    }

    /// What keeps a quiet connection alive: a line that no reader takes for an event.
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
