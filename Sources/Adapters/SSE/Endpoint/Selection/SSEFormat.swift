import BridgeCore
import Glibc
import HTTPServer
import JSON
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
    /// In an event stream: `id:`, one `data:` line, a blank line. Events have no `event:` line unless the sink names their
    /// type, so that `onmessage` receives them, and a space after `data:`, which line-based clients search for. A gap has a
    /// type and no space, so that only clients that know gaps read it. On a line of JSON the id is a member named `cursor`,
    /// before the event's own.
    ///
    /// - Parameter fields: members that the client adds to the event's JSON.
    func write(_ item: SSEItem, fields: SSEFields = [], epoch: String, into buffer: inout ByteBuffer) {
        let event = item.event
        assert(Self.isOneLine(event.json), "an event's JSON is one line")
        switch self {
        case .events:
            buffer.writeBytes(of: "id: ")
            buffer.writeCursor(item, epoch)
            if event.kind == .gap {
                buffer.writeBytes(of: "\nevent: gap\ndata:")
                buffer.writeEscapingLineEnds(event.json)
            } else {
                if let type = item.type {
                    buffer.writeBytes(of: "\nevent: ")
                    buffer.writeString(type)
                }
                self.writeData(item, fields, into: &buffer)
            }
            buffer.writeBytes(of: "\n\n")
        case .lines:
            buffer.writeBytes(of: "{\"cursor\":\"")
            buffer.writeCursor(item, epoch)
            buffer.writeBytes(of: "\",")
            Self.writeMembers(item, fields, into: &buffer)
            buffer.writeBytes(of: "\n")
        }
    }

    /// Writes the `data:` lines of an event.
    private func writeData(_ item: SSEItem, _ fields: SSEFields, into buffer: inout ByteBuffer) {
        switch item.content?.format {
        case .raw:
            buffer.writeDataLines(SSEContent.text(of: item.event))
        case .base64:
            buffer.writeBytes(of: "\ndata: ")
            let quoted = SSEContent.base64(of: item.event)
            buffer.writeBytes(quoted.readableBytesView.dropFirst().dropLast())
        case nil, .json, .cloudEvents:
            buffer.writeBytes(of: "\ndata: ")
            buffer.writeEscapingLineEnds(Self.json(item, fields))
        }
    }

    /// Writes one event as a JSON object without its opening brace: its type, except that of a CloudEvent, and its members.
    static func writeMembers(_ item: SSEItem, _ fields: SSEFields, into buffer: inout ByteBuffer) {
        if item.event.kind == .gap {
            buffer.writeBytes(of: "\"event\":\"gap\",")
        } else if let type = item.type, item.content?.format != .cloudEvents {
            buffer.writeBytes(of: "\"event\":")
            JSONWriter.write(type, to: &buffer)
            buffer.writeBytes(of: ",")
        }
        let json = Self.json(item, fields)
        buffer.writeEscapingLineEnds(json.getSlice(at: json.readerIndex + 1, length: json.readableBytes - 1)!)
    }

    /// The event as a JSON object; a gap is always its own JSON.
    private static func json(_ item: SSEItem, _ fields: SSEFields) -> ByteBuffer {
        guard item.event.kind != .gap else { return item.event.json }
        guard let content = item.content else { return fields.json(of: item.event) }
        var json = ByteBuffer()
        switch content.format {
        case .json: return content.fields.union(fields).json(of: item.event)
        case .cloudEvents: return content.cloudEvent(item.event, type: item.type)
        case .raw:
            json.writeBytes(of: "{\"data\":")
            JSONWriter.write(String(buffer: SSEContent.text(of: item.event)), to: &json)
        case .base64:
            json.writeBytes(of: "{\"data\":")
            json.writeImmutableBuffer(SSEContent.base64(of: item.event))
        }
        json.writeBytes(of: "}")
        return json
    }

    /// The first bytes of a stream: a comment that flushes the headers, the gap, the reconnection delay, and the
    /// cursor.
    ///
    /// A blank line ends only events: readers that check only blank lines would take other lines for an empty message.
    ///
    /// - Parameter beginsSnapshot: whether a snapshot follows from its beginning.
    func opening(reconnect: Int64, gap: SSEGap?, position: SSECursor, beginsSnapshot: Bool = false, padding: Int) -> String {
        var text = ""
        switch self {
        case .events:
            text = ": connected\n"
            if padding > 0 { text += ":\(String(repeating: " ", count: padding))\n" }
        case .lines:
            if padding > 0 { text += String(repeating: " ", count: padding) + "\n" }
        }
        if let gap { text += self.gap(gap) }
        text += self.cursor(position, retry: reconnect)
        return beginsSnapshot ? text + self.snapshot("begin", position) : text
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

    /// Writes the begin or the end of a snapshot.
    ///
    /// - Parameter position: the client's cursor there.
    func snapshot(_ what: String, _ position: SSECursor) -> String {
        switch self {
        case .events:
            "event: snapshot\nid: \(position)\ndata:{\"snapshot\":\"\(what)\",\"cursor\":\"\(position)\"}\n\n"
        case .lines: "{\"event\":\"snapshot\",\"snapshot\":\"\(what)\",\"cursor\":\"\(position)\"}\n"
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

extension ByteBuffer {
    /// Appends the id of an event.
    fileprivate mutating func writeCursor(_ item: SSEItem, _ epoch: String) {
        self.writeString(epoch)
        self.writeBytes(of: "-")
        if item.snapshot > 0 {
            self.writeString(String(item.snapshot))
            self.writeBytes(of: ".")
        }
        self.writeString(String(item.sequence))
    }

    /// Appends each line of a text as a `data:` line (WHATWG HTML §9.2.5: LF, CR LF and CR end lines).
    mutating func writeDataLines(_ text: ByteBuffer) {
        self.writeBytes(of: "\ndata: ")
        let view = text.readableBytesView
        var start = view.startIndex
        while let end = view[start...].firstIndex(where: { $0 == 10 || $0 == 13 }) {
            self.writeBytes(view[start..<end])
            self.writeBytes(of: "\ndata: ")
            start = end + 1
            if view[end] == 13, start < view.endIndex, view[start] == 10 { start += 1 }
        }
        self.writeBytes(view[start...])
    }
}
