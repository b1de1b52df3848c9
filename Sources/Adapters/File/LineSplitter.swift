import NIOCore

/// Cuts bytes into lines, whatever pieces they come in.
///
/// Only LF ends a line; every other byte belongs to it.
struct LineSplitter {
    /// One line without its LF.
    struct Line {
        var bytes: ByteBuffer
        /// It was longer; the rest is dropped.
        var isTruncated: Bool
    }

    /// Bytes since the last LF, as many as a line may have.
    private var partial = ByteBuffer()
    /// How many bytes came since the last LF, those dropped included.
    private(set) var partialLength = 0
    private let longest: Int

    /// - Parameter longest: bytes of a line that are kept.
    init(longest: Int) {
        self.longest = longest
    }

    /// Takes the next bytes and returns the lines that they complete, each in storage of its own.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 10) {
            let head = rest[..<end]
            if self.partialLength == 0 {
                let kept = head.prefix(self.longest)
                lines.append(Line(bytes: ByteBuffer(bytes: kept), isTruncated: kept.count < head.count))
            } else {
                self.append(head)
                lines.append(self.takePartial())
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
        self.partialLength == 0 ? nil : self.takePartial()
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        self.partialLength += bytes.count
        self.partial.writeBytes(bytes.prefix(max(0, self.longest - self.partial.readableBytes)))
    }

    private mutating func takePartial() -> Line {
        defer {
            self.partial = ByteBuffer()
            self.partialLength = 0
        }
        return Line(bytes: self.partial, isTruncated: self.partialLength > self.longest)
    }
}
