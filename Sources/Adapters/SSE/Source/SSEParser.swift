import Glibc
import NIOCore

/// Takes an event stream apart (WHATWG HTML §9.2.6), in pieces of any size and in time linear in its length.
///
/// A value, used by one thread. The pieces are kept only where an event is a part of them: data that stands on one line within one
/// piece is a slice of it, not a copy. One parser per response; a new one begins with the last event id of the one before.
struct SSEParser {
    /// What a stream is made of, in the order it comes.
    enum Item {
        case event(Event)
        /// A block without data that set the last event id, or reset it to nothing.
        case cursor(String)
        /// The server's wish for the time between two connections, in milliseconds.
        case retry(Int)
        /// An event longer than the limit, which was passed over; its id counts nevertheless.
        case tooLarge(type: String, bytes: Int)
    }

    struct Event {
        /// The `event` field, else `message`.
        var type: String
        /// Valid UTF-8.
        var data: ByteBuffer
        /// The last event id as it stands with this event, which an earlier one may have set.
        var lastEventID: String
        /// The block of this event itself set a last event id that is not empty.
        var hasOwnID: Bool
    }

    /// Bytes of a line that are kept in any case.
    private static let shortest = 4096

    /// What the data of one event may hold, in bytes.
    private let limit: Int
    /// Bytes of the byte order mark that have matched; 3 once the beginning is decided.
    private var markBytes = 0
    /// The last line ended with CR; an LF right behind belongs to it.
    private var swallowsLineFeed = false

    /// The beginning of a line whose end is still to come.
    private var line = ByteBuffer()
    /// The line is a comment, so nothing of it is kept.
    private var isComment = false
    /// Bytes of the line that were not kept because it is too long.
    private var cutBytes = 0

    private var data: ByteBuffer?
    private var type = ""
    private var idBuffer: String
    private var blockHasID = false
    /// Bytes of data that were not kept because the event is too long; the event is not delivered then.
    private var droppedBytes = 0

    /// The last event id as of the last complete block.
    private(set) var lastEventID: String

    init(limit: Int = 16 << 20, lastEventID: String = "") {
        self.limit = limit
        self.idBuffer = lastEventID
        self.lastEventID = lastEventID
    }

    /// Takes the next bytes and appends what they complete.
    ///
    /// An unfinished block is never delivered, so there is nothing to do at the end of the stream.
    mutating func feed(_ piece: ByteBuffer, into items: inout [Item]) {
        piece.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = self.passByteOrderMark(bytes)
            // Each is looked for once per place, else many lines in one piece would be searched again and again.
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

    /// - Returns: where the stream goes on behind the one mark that may stand at its beginning.
    private mutating func passByteOrderMark(_ bytes: UnsafeRawBufferPointer) -> Int {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        var place = 0
        while self.markBytes < 3, place < bytes.count {
            guard bytes[place] == mark[self.markBytes] else {
                // Not the mark: what looked like it in earlier pieces is the beginning of the first line.
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
    /// Adds to the line whose end is still to come.
    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first, !self.isComment else { return }
        if self.line.readableBytes == 0, first == UInt8(ascii: ":") {
            self.isComment = true
            return
        }
        // Of an event that is too long already 4 KiB are plenty.
        let isOver = self.droppedBytes > 0 || self.cutBytes > 0
        let room =
            max(Self.shortest, isOver ? 0 : self.limit - (self.data?.readableBytes ?? 0) + 6) - self.line.readableBytes
        let kept = max(0, min(room, bytes.count))
        self.line.writeBytes(UnsafeRawBufferPointer(rebasing: bytes.prefix(kept)))
        self.cutBytes += bytes.count - kept
        // A line that never ends must not hold all that it was allowed.
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

    /// Takes one complete line.
    ///
    /// - Parameters:
    ///   - buffer: what holds the line, so that data can be a slice of it.
    ///   - index: where the line begins there.
    private mutating func take(
        _ line: UnsafeRawBufferPointer, of buffer: ByteBuffer, at index: Int, _ items: inout [Item]
    ) {
        guard let first = line.first else { return self.dispatch(&items) }
        guard first != UInt8(ascii: ":") else { return }
        // The longest name that counts has five letters.
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

    /// Counts data that is not kept, and lets go what was.
    private mutating func drop(_ count: Int) {
        // At least one, since the count also says that something was dropped.
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

    /// A number of nothing but ASCII digits; one too large for `Int` is the largest.
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
