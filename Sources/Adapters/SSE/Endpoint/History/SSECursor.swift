/// The id of an event in a stream: `epoch-sequence`.
///
/// The epoch identifies one lifetime of the stream's memory; the sequence counts its events from 1. ASCII letters,
/// digits and one hyphen: safe in a header field and in a CORS request without a preflight.
struct SSECursor: Equatable, CustomStringConvertible {
    let epoch: String
    let sequence: UInt64

    init(epoch: String, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Parses an id; `nil` when no stream could have written it.
    init?(_ text: String) {
        guard text.utf8.count <= 64, let hyphen = text.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let epoch = text[..<hyphen]
        let digits = text[text.utf8.index(after: hyphen)...]
        guard !epoch.isEmpty, epoch.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122) }),
            digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), digits == "0" || digits.utf8.first != UInt8(ascii: "0"),
            let sequence = UInt64(digits)
        else { return nil }
        self.epoch = String(epoch)
        self.sequence = sequence
    }

    /// A new epoch: the time in milliseconds and a random part, so that no two lifetimes of a stream share one.
    static func newEpoch(milliseconds: Int64) -> String {
        String(UInt64(max(0, milliseconds)) << 10 | UInt64.random(in: 0..<1024), radix: 36)
    }

    var description: String { "\(self.epoch)-\(self.sequence)" }
}
