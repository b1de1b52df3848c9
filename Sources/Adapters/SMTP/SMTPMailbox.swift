import BridgeCore
import Curl

/// An address of a mail, with the name that a reader sees: `Doors <doors@example.org>`, or the address alone.
struct SMTPMailbox: Equatable, Sendable {
    /// Empty without one.
    let name: String
    let address: String

    /// The characters of an address without quotes (RFC 5322 §3.2.3), beside letters and digits.
    private static let atom = Set("!#$%&'*+-/=?^_`{|}~".utf8)

    /// `nil` for anything that is not an address: non-ASCII domains are written in their `xn--` form.
    init?(_ text: String) {
        var rest = text[...]
        var name = ""
        if text.hasSuffix(">") {
            guard let open = text.lastIndex(of: "<") else { return nil }
            name = String(text[..<open].trimmed)
            if name.count > 1, name.hasPrefix("\""), name.hasSuffix("\"") { name = String(name.dropFirst().dropLast()) }
            rest = text[text.index(after: open)...].dropLast()
        }
        guard Self.isAddress(rest), SMTPHeaderText.clean(name) == name else { return nil }
        self.name = name
        self.address = String(rest)
    }

    /// Whether a text is an address that needs no quotes: a list of atoms, `@`, and the name of a domain or `[IP]`.
    static func isAddress(_ text: Substring) -> Bool {
        guard CurlMail.isAddress(String(text)), let at = text.firstIndex(of: "@") else { return false }
        let parts = text[..<at].utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isLocal = parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { self.isLetterOrDigit($0) || self.atom.contains($0) }
        }
        return isLocal && self.isDomain(text[text.index(after: at)...])
    }

    /// Whether a text is the name of a domain or an IP address in brackets.
    static func isDomain(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.dropFirst().dropLast().utf8.allSatisfy { self.isLetterOrDigit($0) || ".:".utf8.contains($0) }
                && text.utf8.count > 2
        }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { self.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// The domain, for the ids of messages.
    var domain: Substring {
        self.address.drop { $0 != "@" }.dropFirst()
    }

    /// The value of a header that lists mailboxes, one in each line.
    ///
    /// - Parameter used: how many characters precede it in its line.
    static func header(_ mailboxes: [SMTPMailbox], after used: Int) -> String {
        mailboxes.enumerated().map { index, mailbox in
            guard !mailbox.name.isEmpty else { return mailbox.address }
            let name = SMTPHeaderText.phrase(mailbox.name, after: index == 0 ? used : 1)
            let last =
                name.utf8.lastIndex(of: 0x0A).map { name.utf8.distance(from: $0, to: name.utf8.endIndex) } ?? name.utf8.count
                + used
            return name + (last + mailbox.address.utf8.count + 3 > 76 ? "\r\n" : "") + " <\(mailbox.address)>"
        }.joined(separator: ",\r\n ")
    }
}

extension StringProtocol {
    /// Without spaces at both ends.
    fileprivate var trimmed: SubSequence {
        let rest = self.drop { $0 == " " }
        guard let last = rest.lastIndex(where: { $0 != " " }) else { return rest[rest.endIndex...] }
        return rest[...last]
    }
}
