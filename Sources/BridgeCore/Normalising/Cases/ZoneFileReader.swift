/// Reads a file of the time zone database (RFC 8536 §3): the block of 64-bit times, and the footer.
struct ZoneFileReader {
    /// What a zone is made of.
    struct Content {
        let changes: [(start: Int64, offset: Int64)]
        let first: Int64
        /// The rule after the last change, as `TZ` in POSIX.
        let footer: String
    }

    private struct Header {
        let isUTC, isStandard, leaps, times, types, names: Int
        /// The bytes of a block with times of a size.
        func count(timeSize: Int) -> Int {
            self.times * (timeSize + 1) + self.types * 6 + self.names + self.leaps * (timeSize + 4) + self.isStandard + self.isUTC
        }
    }

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The content; `nil` when the file is none, or of version 1.
    mutating func content() -> Content? {
        guard let old = self.header() else { return nil }
        self.index += old.count(timeSize: 4)
        guard let header = self.header(), header.types > 0, self.index + header.count(timeSize: 8) <= self.bytes.count else {
            return nil
        }
        let starts = (0..<header.times).map { self.integer(at: self.index + $0 * 8, size: 8) }
        let types = self.index + header.times * 8
        let offsets = types + header.times
        func offset(_ type: Int) -> Int64 {
            type < header.types ? Int64(Int32(truncatingIfNeeded: self.integer(at: offsets + type * 6, size: 4))) : 0
        }
        let changes = starts.enumerated().map { place, start in (start: start, offset: offset(Int(self.bytes[types + place]))) }
        let end = self.index + header.count(timeSize: 8)
        let footer = self.bytes[end...].split(separator: UInt8(ascii: "\n")).first ?? []
        return Content(changes: changes, first: offset(0), footer: String(decoding: footer, as: UTF8.self))
    }

    private mutating func header() -> Header? {
        guard self.bytes.count - self.index >= 44, self.bytes[self.index...].starts(with: "TZif".utf8),
            self.bytes[self.index + 4] >= UInt8(ascii: "2")
        else { return nil }
        let counts = (0..<6).map { Int(self.integer(at: self.index + 20 + $0 * 4, size: 4)) }
        // More would not fit into any file that is read.
        guard counts.allSatisfy({ $0 <= self.bytes.count }) else { return nil }
        self.index += 44
        return Header(
            isUTC: counts[0], isStandard: counts[1], leaps: counts[2], times: counts[3], types: counts[4], names: counts[5])
    }

    /// A big-endian number; that of four bytes is not negative.
    private func integer(at index: Int, size: Int) -> Int64 {
        self.bytes[index..<index + size].reduce(0) { $0 << 8 | Int64($1) }
    }
}
