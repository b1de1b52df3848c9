/// One reply of a server: `550 5.1.1 No such user` (RFC 5321 §4.2).
struct SMTPReply: Equatable, Sendable, CustomStringConvertible {
    let code: Int
    /// The text of its last line, without control characters.
    let text: String

    var isAccepted: Bool { self.code < 400 }
    /// The same mail may be accepted later.
    var isTemporary: Bool { (400..<500).contains(self.code) }
    var description: String { self.text.isEmpty ? "\(self.code)" : "\(self.code) \(self.text)" }
}

/// Reads the replies of a server from their lines, within bounds.
struct SMTPReplies: Sendable {
    /// How many replies are kept: more than one mail to the largest number of receivers has.
    static let most = 200
    /// How many bytes of a text are kept.
    static let longest = 200

    /// The latest replies, in order.
    private(set) var all: [SMTPReply] = []

    /// Whether a new session went on to its first mail without a login, which libcurl skips where the server offers none
    /// that it knows.
    ///
    /// Two commands in a row have succeeded since the greeting or STARTTLS: EHLO and MAIL.
    var hasNoLogin: Bool {
        guard let greeting = self.all.lastIndex(where: { $0.code == 220 }) else { return false }
        let codes = self.all[(greeting + 1)...].map(\.code)
        return !codes.contains(235) && codes.count { $0 == 250 } >= 2
    }

    /// Adds one line; lines before the last one of a reply are skipped, and so is what is no reply.
    mutating func append(_ line: some Collection<UInt8>) {
        let bytes = Array(line.prefix(Self.longest + 4))
        guard bytes.count >= 3, bytes[..<3].allSatisfy({ (0x30...0x39).contains($0) }) else { return }
        let rest = bytes[3...]
        guard rest.first != UInt8(ascii: "-") else { return }
        let code = bytes[..<3].reduce(0) { $0 * 10 + Int($1) - 48 }
        let text = String(decoding: rest.dropFirst(), as: UTF8.self).unicodeScalars
            .map { $0.value < 32 || (127...159).contains($0.value) ? " " : Character($0) }
        if self.all.count == Self.most { self.all.removeFirst() }
        let words = String(text).split(separator: " ").joined(separator: " ")
        self.all.append(SMTPReply(code: code, text: words))
    }
}
