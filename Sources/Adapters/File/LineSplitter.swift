import NIOCore

/// Cuts bytes into lines as a person sees them, whatever pieces they come in.
///
/// LF or CRLF ends a line. A byte order mark at the beginning of the file is no part of the first line, and zeros before a line are no part
/// of it: they fill what a writer left behind that was not told of a truncation. Every other byte belongs to its line.
struct LineSplitter {
    /// One line without its end.
    struct Line {
        var bytes: ByteBuffer
        /// It was longer; the rest is dropped.
        var isTruncated: Bool
        /// How many bytes of the file it took, with its end and what is no part of it.
        var length: Int
    }

    /// Bytes of the line whose end is still to come: one more than a line may have, because a CR may be its end.
    private var partial = ByteBuffer()
    /// How many bytes belong to it, those dropped included.
    private var lineLength = 0
    /// How many bytes came since the last LF, those dropped included.
    private(set) var partialLength = 0
    private var mayHaveMark: Bool
    private let longest: Int

    /// - Parameters:
    ///   - longest: bytes of a line that are kept.
    ///   - isAtBeginning: the first byte is the first one of a file.
    init(longest: Int, isAtBeginning: Bool = false) {
        self.longest = longest
        self.mayHaveMark = isAtBeginning
    }

    /// Takes the next bytes and returns the lines that they complete, each in storage of its own.
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

    /// Takes the bytes after the last LF as a line of their own.
    ///
    /// `nil` when there are none. For the end of a file.
    mutating func finish() -> Line? {
        self.partialLength == 0 ? nil : self.takePartial(endLength: 0)
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        self.partialLength += bytes.count
        let bytes = self.lineLength == 0 ? bytes.drop { $0 == 0 } : bytes
        self.lineLength += bytes.count
        self.partial.writeBytes(bytes.prefix(max(0, self.longest + 1 - self.partial.readableBytes)))
    }

    private mutating func takePartial(endLength: Int) -> Line {
        let (bytes, dropped, length) = (self.partial, self.lineLength - self.partial.readableBytes, self.partialLength)
        self.partial = ByteBuffer()
        self.lineLength = 0
        self.partialLength = 0
        return bytes.withUnsafeReadableBytes { self.line(of: $0[...], dropped: dropped, length: length + endLength) }
    }

    /// - Parameters:
    ///   - bytes: without the LF.
    ///   - dropped: how many more there were.
    ///   - length: see ``Line/length``.
    private mutating func line(of bytes: Slice<UnsafeRawBufferPointer>, dropped: Int = 0, length: Int) -> Line {
        var bytes = bytes
        if bytes.first == 0 { bytes = bytes.drop { $0 == 0 } }
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
