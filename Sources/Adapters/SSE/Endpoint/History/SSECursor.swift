/// The id of an event in a stream: `epoch-sequence`, or `epoch-head.sequence` within a snapshot that began at `head`.
///
/// The epoch identifies one lifetime of the stream's memory; the sequence counts its events from 1. ASCII letters,
/// digits, one hyphen and a dot: safe in a header field and in a CORS request without a preflight.
struct SSECursor: Equatable, CustomStringConvertible {
    let epoch: String
    /// The number up to which a client has everything, once it has the whole snapshot.
    let sequence: UInt64
    /// Within a snapshot, the number of the last event of it that the client has, 0 for none; otherwise `nil`.
    let entry: UInt64?

    init(epoch: String, sequence: UInt64, entry: UInt64? = nil) {
        self.epoch = epoch
        self.sequence = sequence
        self.entry = entry
    }

    /// The cursor of a client.
    ///
    /// - Parameter snapshot: how far it has received one; `nil` outside of a snapshot.
    init(epoch: String, sequence: UInt64, in snapshot: SSESnapshotPosition?) {
        self.init(epoch: epoch, sequence: snapshot?.head ?? sequence, entry: snapshot?.entry)
    }

    /// Parses an id; `nil` when no stream could have written it.
    init?(_ text: String) {
        guard text.utf8.count <= 64, let hyphen = text.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let epoch = text[..<hyphen]
        guard !epoch.isEmpty, epoch.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122) }) else { return nil }
        let numbers = text[text.utf8.index(after: hyphen)...].utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false
        ).map { Self.number(Substring($0)) }
        guard let sequence = numbers[0], numbers.count <= 2, numbers.allSatisfy({ $0 != nil }) else { return nil }
        self.epoch = String(epoch)
        self.sequence = sequence
        self.entry = numbers.count == 2 ? numbers[1] : nil
        guard self.entry ?? 0 <= sequence else { return nil }
    }

    private static func number(_ digits: Substring) -> UInt64? {
        guard digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), digits == "0" || digits.utf8.first != UInt8(ascii: "0")
        else { return nil }
        return UInt64(digits)
    }

    /// A new epoch: the time in milliseconds and a random part, so that no two lifetimes of a stream share one.
    static func newEpoch(milliseconds: Int64) -> String {
        String(UInt64(max(0, milliseconds)) << 10 | UInt64.random(in: 0..<1024), radix: 36)
    }

    var description: String { "\(self.epoch)-\(self.sequence)\(self.entry.map { ".\($0)" } ?? "")" }
}
