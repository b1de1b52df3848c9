import NIOCore

/// Splits bytes into lines, for any split of the input.
///
/// LF or CRLF ends a line. A byte order mark at the beginning of the file is not part of the first line. Neither are zeros there: they
/// fill the gap of a writer that continued at its old offset after a truncation. Every other byte belongs to its line.
struct LineSplitter {
    /// One line without its line break.
    struct Line {
        var bytes: ByteBuffer
        /// Whether the line was longer; the rest is dropped.
        var isTruncated: Bool
        /// The bytes of the file that the line occupied, with the line break and the excluded bytes.
        var length: Int
    }

    /// The bytes of an incomplete line: at most one more than a line may have, because a CR may belong to the line
    /// break.
    private var partial = ByteBuffer()
    /// The bytes of the incomplete line, those dropped included.
    private var lineLength = 0
    /// The bytes since the last LF, those dropped included.
    private(set) var partialLength = 0
    /// Whether only zeros of the file were read so far.
    private var isAtBeginning: Bool
    /// Whether the next line is the first one of the file.
    private var mayHaveMark: Bool
    private let longest: Int

    /// - Parameters:
    ///   - longest: the limit on the bytes of a line.
    ///   - isAtBeginning: whether the first byte is the first of a file.
    init(longest: Int, isAtBeginning: Bool = false) {
        self.longest = longest
        self.isAtBeginning = isAtBeginning
        self.mayHaveMark = isAtBeginning
    }

    /// Appends bytes and returns the lines that they complete, each in its own storage.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 10) {
            let head = rest[..<end]
            if self.partialLength == 0 {
                lines.append(self.line(of: head, length: head.count + 1))
            } else {
                self.append(head)
                lines.append(self.takePartial(endLength: 1))
            }
            rest = rest[(end + 1)...]
        }
        if !rest.isEmpty { self.append(rest) }
        return lines
    }

    /// Ends the incomplete line at the end of a file; `nil` when there is none.
    mutating func finish() -> Line? {
        self.partialLength == 0 ? nil : self.takePartial(endLength: 0)
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        self.partialLength += bytes.count
        let bytes = self.withoutHole(bytes)
        self.lineLength += bytes.count
        self.partial.writeBytes(bytes.prefix(max(0, self.longest + 1 - self.partial.readableBytes)))
    }

    /// Removes the zeros at the beginning of the file.
    private mutating func withoutHole(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        guard self.isAtBeginning else { return bytes }
        let rest = bytes.drop { $0 == 0 }
        if !rest.isEmpty { self.isAtBeginning = false }
        return rest
    }

    private mutating func takePartial(endLength: Int) -> Line {
        let (bytes, dropped, length) = (self.partial, self.lineLength - self.partial.readableBytes, self.partialLength)
        self.partial = ByteBuffer()
        self.lineLength = 0
        self.partialLength = 0
        return bytes.withUnsafeReadableBytes { self.line(of: $0[...], dropped: dropped, length: length + endLength) }
    }

    /// - Parameters:
    ///   - bytes: the line without the LF.
    ///   - dropped: the number of dropped bytes.
    ///   - length: see ``Line/length``.
    private mutating func line(of bytes: Slice<UnsafeRawBufferPointer>, dropped: Int = 0, length: Int) -> Line {
        var bytes = self.withoutHole(bytes)
        // An empty line is one too.
        self.isAtBeginning = false
        if self.mayHaveMark {
            self.mayHaveMark = false
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        }
        if dropped == 0, bytes.last == 13 { bytes = bytes.dropLast() }
        return Line(
            bytes: ByteBuffer(bytes: bytes.prefix(self.longest)), isTruncated: dropped > 0 || bytes.count > self.longest,
            length: length
        )
    }
}
