import Glibc

/// A time zone of the machine's database (RFC 8536), which gives local times their offset from UTC.
///
/// Immutable; read from a file once.
struct LocalZone: Sendable {
    /// Why there is no such zone, and the remedy.
    struct Problem: Error {
        let message: String
    }

    /// Where the database is.
    private static let directory = "/usr/share/zoneinfo"
    /// A file of the database is far smaller.
    private static let fileLimit = 64 << 10

    /// The times of changes, in seconds since 1970, each with the offset from then on.
    private let changes: [(start: Int64, offset: Int64)]
    /// The offset before all changes, in seconds east of Greenwich.
    private let first: Int64
    /// What holds after the last change.
    private let rule: ZoneRule?

    /// Reads a zone.
    ///
    /// - Parameter name: such as `Europe/Berlin` or `UTC`.
    init(named name: String) throws(Problem) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { $0.isZoneName } && part != "." && part != ".."
        }
        guard isName, let bytes = Self.file(name), let zone = Self(bytes) else {
            guard Self.file("UTC") != nil else {
                throw Problem(
                    message: "'\(name)' cannot be read, because this machine has no time zones; install the package tzdata")
            }
            throw Problem(message: "'\(name)' is not a time zone; write a name such as Europe/Berlin or UTC")
        }
        self = zone
    }

    /// Reads a file of the database, in version 2 or later.
    init?(_ bytes: [UInt8]) {
        var reader = ZoneFileReader(bytes)
        guard let content = reader.content() else { return nil }
        self.changes = content.changes
        self.first = content.first
        self.rule = ZoneRule(content.footer)
    }

    /// The offset at a time, in seconds east of Greenwich.
    func offset(at time: Int64) -> Int64 {
        guard let last = self.changes.last, time < last.start else {
            if let rule { return rule.offset(at: time) }
            return self.changes.last?.offset ?? self.first
        }
        var (low, high) = (0, self.changes.count)
        while low < high {
            let middle = (low + high) / 2
            if self.changes[middle].start <= time { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? self.first : self.changes[low - 1].offset
    }

    /// The time of a local time, both in seconds.
    ///
    /// Of two times with one name, when clocks are set back, it is the first. A time that clocks skip counts on as if they were not
    /// set.
    func time(ofLocal local: Int64) -> Int64 {
        let before = self.offset(at: local - 86_400)
        if self.offset(at: local - before) == before { return local - before }
        let after = self.offset(at: local + 86_400)
        return self.offset(at: local - after) == after ? local - after : local - before
    }

    private static func file(_ name: String) -> [UInt8]? {
        guard let file = fopen("\(self.directory)/\(name)", "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: self.fileLimit)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 && count < bytes.count ? Array(bytes[..<count]) : nil
    }
}

extension Timestamp {
    /// Reads a time of ISO 8601 without an offset as the local time of a zone; `nil` for any other text.
    init?(local text: String, in zone: LocalZone) {
        let bytes = Self.withSeconds(Array(text.utf8))
        guard bytes.count >= 19 else { return nil }
        var rest = bytes.dropFirst(19)
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            rest = rest.dropFirst().drop { (0x30...0x39).contains($0) }
        }
        guard rest.isEmpty, let local = Timestamp(lenient: text), bytes.dropFirst(4).first == UInt8(ascii: "-") else {
            return nil
        }
        let (seconds, fraction) = local.milliseconds.quotientAndRemainder(dividingBy: 1000)
        self.init(milliseconds: zone.time(ofLocal: seconds) * 1000 + fraction)
    }
}

extension UInt8 {
    fileprivate var isZoneName: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
