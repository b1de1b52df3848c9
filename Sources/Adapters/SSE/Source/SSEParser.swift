import Glibc
import NIOCore

/// Parses an event stream (WHATWG HTML §9.2.6), in chunks of any size and in time linear in its length.
///
/// A value, used by one thread. It keeps a chunk only if an event needs it: data on one line within one chunk is a
/// slice, not a copy. Use one parser per response; a new one begins with the last event id of the previous one.
struct SSEParser {
    /// A part of a stream, in order.
    enum Item {
        case event(Event)
        /// A block without data that set the last event id, or reset it to nothing.
        case cursor(String)
        /// The server's minimum time between two connections, in milliseconds.
        case retry(Int)
        /// An event that exceeds the limit and was skipped; its id counts nevertheless.
        case tooLarge(type: String, bytes: Int)
    }

    struct Event {
        /// The `event` field, or `message` without one.
        var type: String
        /// Valid UTF-8.
        var data: ByteBuffer
        /// The last event id as of this event; an earlier event may have set it.
        var lastEventID: String
        /// Whether the block of this event itself set a non-empty last event id.
        var hasOwnID: Bool
    }

    /// The number of bytes of a line that are always kept.
    private static let shortest = 4096

    /// The limit of an event's data, in bytes.
    private let limit: Int
    /// How many bytes of the byte order mark have matched; 3 once the beginning is decided.
    private var markBytes = 0
    /// Whether the last line ended with CR; an LF right after it belongs to it.
    private var swallowsLineFeed = false

    /// The beginning of an incomplete line.
    private var line = ByteBuffer()
    /// Whether the line is a comment, so that nothing of it is kept.
    private var isComment = false
    /// The number of bytes of the line that were dropped because it is too long.
    private var cutBytes = 0

    private var data: ByteBuffer?
    private var type = ""
    private var idBuffer: String
    private var blockHasID = false
    /// The number of bytes of data that were dropped because the event is too long; the event is then not delivered.
    private var droppedBytes = 0

    /// The last event id as of the last complete block.
    private(set) var lastEventID: String

    init(limit: Int = 16 << 20, lastEventID: String = "") {
        self.limit = limit
        self.idBuffer = lastEventID
        self.lastEventID = lastEventID
    }

    /// Parses the next bytes and appends the items that they complete.
    ///
    /// An unfinished block is never delivered, so there is nothing to do at the end of the stream.
    mutating func feed(_ piece: ByteBuffer, into items: inout [Item]) {
        piece.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = self.passByteOrderMark(bytes)
            // Each is searched for once per position; otherwise many lines in one chunk would be searched repeatedly.
            var lineFeed = -1
            var carriageReturn = -1
            while start < bytes.count {
                if self.swallowsLineFeed {
                    self.swallowsLineFeed = false
                    if bytes[start] == UInt8(ascii: "\n") {
                        start += 1
                        continue
                    }
                }
                if lineFeed < start { lineFeed = Self.place(of: "\n", in: bytes, base, from: start) }
                if carriageReturn < start { carriageReturn = Self.place(of: "\r", in: bytes, base, from: start) }
                let end = min(lineFeed, carriageReturn)
                guard end < bytes.count else { return self.keep(UnsafeRawBufferPointer(rebasing: bytes[start...])) }
                if self.line.readableBytes == 0, !self.isComment {
                    self.take(
                        UnsafeRawBufferPointer(rebasing: bytes[start..<end]), of: piece, at: piece.readerIndex + start, &items)
                } else {
                    self.keep(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    self.takeKeptLine(&items)
                }
                self.swallowsLineFeed = end == carriageReturn
                start = end + 1
            }
        }
    }

    /// - Returns: where the stream continues after the one byte order mark that it may begin with.
    private mutating func passByteOrderMark(_ bytes: UnsafeRawBufferPointer) -> Int {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        var place = 0
        while self.markBytes < 3, place < bytes.count {
            guard bytes[place] == mark[self.markBytes] else {
                // Not the mark: matching bytes of earlier chunks are the beginning of the first line.
                let matched = self.markBytes - place
                self.markBytes = 3
                mark.prefix(max(0, matched)).withUnsafeBytes { self.keep($0) }
                return 0
            }
            self.markBytes += 1
            place += 1
        }
        return place
    }

    private static func place(
        of character: Unicode.Scalar, in bytes: UnsafeRawBufferPointer, _ base: UnsafeRawPointer, from start: Int
    ) -> Int {
        guard let found = memchr(base + start, Int32(character.value), bytes.count - start) else { return bytes.count }
        return UnsafeRawPointer(found) - base
    }
}

// MARK: - Lines

extension SSEParser {
    /// Adds to the incomplete line.
    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first, !self.isComment else { return }
        if self.line.readableBytes == 0, first == UInt8(ascii: ":") {
            self.isComment = true
            return
        }
        // For an event that is already too long, 4 KiB are sufficient.
        let isOver = self.droppedBytes > 0 || self.cutBytes > 0
        let room =
            max(Self.shortest, isOver ? 0 : self.limit - (self.data?.readableBytes ?? 0) + 6) - self.line.readableBytes
        let kept = max(0, min(room, bytes.count))
        self.line.writeBytes(UnsafeRawBufferPointer(rebasing: bytes.prefix(kept)))
        self.cutBytes += bytes.count - kept
        // An endless line must not keep the memory of its limit.
        if self.cutBytes > 0, self.line.readableBytes > Self.shortest {
            self.cutBytes += self.line.readableBytes - Self.shortest
            self.line = ByteBuffer(bytes: self.line.readableBytesView.prefix(Self.shortest))
        }
    }

    private mutating func takeKeptLine(_ items: inout [Item]) {
        let line = self.line
        let cut = self.cutBytes
        let isComment = self.isComment
        self.line = ByteBuffer()
        self.cutBytes = 0
        self.isComment = false
        guard !isComment else { return }
        line.withUnsafeReadableBytes { bytes in
            if cut == 0 {
                self.take(bytes, of: line, at: line.readerIndex, &items)
            } else if bytes.starts(with: "data:".utf8) {
                self.drop(bytes.dropFirst(5).first == UInt8(ascii: " ") ? bytes.count - 6 + cut : bytes.count - 5 + cut)
            }
        }
    }

    /// Processes one complete line.
    ///
    /// - Parameters:
    ///   - buffer: the buffer of the line, so that data can be a slice of it.
    ///   - index: where the line begins there.
    private mutating func take(
        _ line: UnsafeRawBufferPointer, of buffer: ByteBuffer, at index: Int, _ items: inout [Item]
    ) {
        guard let first = line.first else { return self.dispatch(&items) }
        guard first != UInt8(ascii: ":") else { return }
        // The longest known name has five letters.
        let colon = line.prefix(6).firstIndex(of: UInt8(ascii: ":"))
        guard let nameEnd = colon ?? (line.count <= 5 ? line.count : nil) else { return }
        var start = min(nameEnd + 1, line.count)
        if start < line.count, line[start] == UInt8(ascii: " ") { start += 1 }
        let name = line.prefix(nameEnd)
        let value = UnsafeRawBufferPointer(rebasing: line[start...])
        if name.elementsEqual("data".utf8) {
            self.append(value, of: buffer, at: index + start)
        } else if name.elementsEqual("event".utf8) {
            self.type = self.type.utf8.elementsEqual(value) ? self.type : String(decoding: value, as: UTF8.self)
        } else if name.elementsEqual("id".utf8) {
            guard !value.contains(0) else { return }
            self.idBuffer = String(decoding: value, as: UTF8.self)
            self.blockHasID = true
        } else if name.elementsEqual("retry".utf8) {
            if let milliseconds = Self.number(value) { items.append(.retry(milliseconds)) }
        }
    }

    private mutating func append(_ value: UnsafeRawBufferPointer, of buffer: ByteBuffer, at index: Int) {
        guard self.droppedBytes == 0, (self.data?.readableBytes ?? -1) + 1 + value.count <= self.limit else {
            return self.drop(value.count)
        }
        guard self.data != nil else {
            self.data = buffer.getSlice(at: index, length: value.count)
            return
        }
        self.data?.writeInteger(UInt8(ascii: "\n"))
        self.data?.writeBytes(value)
    }

    /// Counts data that exceeds the limit, and releases collected data.
    private mutating func drop(_ count: Int) {
        // At least one, because the count also marks that something was dropped.
        self.droppedBytes += max(1, count + (self.data?.readableBytes ?? 0))
        self.data = nil
    }

    /// The end of a block.
    private mutating func dispatch(_ items: inout [Item]) {
        let hasID = self.blockHasID
        self.blockHasID = false
        self.lastEventID = self.idBuffer
        defer {
            self.data = nil
            self.type = ""
            self.droppedBytes = 0
        }
        if self.droppedBytes > 0 {
            items.append(.tooLarge(type: self.type.isEmpty ? "message" : self.type, bytes: self.droppedBytes))
            if hasID { items.append(.cursor(self.lastEventID)) }
        } else if let data {
            items.append(
                .event(
                    Event(
                        type: self.type.isEmpty ? "message" : self.type, data: data.repairingUTF8(),
                        lastEventID: self.lastEventID,
                        hasOwnID: hasID && !self.lastEventID.isEmpty
                    )
                )
            )
        } else if hasID {
            items.append(.cursor(self.lastEventID))
        }
    }

    /// A number of ASCII digits only; one too large for `Int` becomes the largest.
    private static func number(_ digits: UnsafeRawBufferPointer) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowAgain) = product.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            value = overflow || overflowAgain || value == .max ? .max : sum
        }
        return value
    }
}
