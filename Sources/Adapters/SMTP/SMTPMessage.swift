import BridgeCore
import NIOCore

/// One mail before it is written: the values of its headers, and its texts.
struct SMTPMessage: Sendable {
    var from: SMTPMailbox
    var to: [SMTPMailbox]
    var subject: String
    var date: Timestamp
    /// The same for each attempt at the same event, so that a repeated mail can be recognised.
    var id: String
    /// 1 to 5; `nil` where the event has none.
    var priority: Int?
    /// Further headers, whose names are tokens.
    var headers: [(name: String, value: String)]
    var text: String
    /// The same message for readers that show HTML; `nil` for a mail with a text only.
    var html: String?

    /// The bytes of the mail (RFC 5322), in lines of ASCII that end with CR LF.
    func write() -> ByteBuffer {
        var buffer = ByteBuffer()
        func header(_ name: String, _ value: String) {
            buffer.writeString("\(name): \(value)\r\n")
        }
        header("Date", SMTPDate.text(self.date))
        header("From", SMTPMailbox.header([self.from], after: 6))
        header("To", SMTPMailbox.header(self.to, after: 4))
        header("Message-ID", self.messageID)
        header("Subject", SMTPHeaderText.unstructured(self.subject, after: 9))
        for (name, value) in self.allHeaders {
            header(name, SMTPHeaderText.unstructured(value, after: name.utf8.count + 2))
        }
        header("MIME-Version", "1.0")
        guard let html else {
            Self.writePart(self.text, "plain", to: &buffer)
            return buffer
        }
        // The underscore after the equals sign occurs in no encoded text (RFC 2045 §6.7).
        var hash = Fingerprint()
        hash.add(self.id)
        let boundary = "=_\(hash.value.hexadecimal)"
        header("Content-Type", "multipart/alternative; boundary=\"\(boundary)\"")
        buffer.writeString("\r\n")
        // Readers show the last part that they can (RFC 2046 §5.1.4).
        for (text, type) in [(self.text, "plain"), (html, "html")] {
            buffer.writeString("--\(boundary)\r\n")
            Self.writePart(text, type, to: &buffer)
            // The line end in front of a boundary belongs to the boundary.
            buffer.writeString("\r\n")
        }
        buffer.writeString("--\(boundary)--\r\n")
        return buffer
    }

    /// The headers beside the addresses, the subject and those of the content.
    var allHeaders: [(name: String, value: String)] {
        // Answering machines are silent then (RFC 3834 §5).
        Self.urgency(self.priority) + [("Auto-Submitted", "auto-generated")] + self.headers
    }

    private static func writePart(_ text: String, _ type: String, to buffer: inout ByteBuffer) {
        let coding = SMTPBodyCoding.best(for: text)
        buffer.writeString("Content-Type: text/\(type); charset=utf-8\r\nContent-Transfer-Encoding: \(coding.rawValue)\r\n\r\n")
        buffer.writeBytes(coding.encode(text))
    }

    /// What mail programs show for a priority: nothing for 3.
    private static func urgency(_ priority: Int?) -> [(name: String, value: String)] {
        switch priority {
        case 5?: [("Importance", "high"), ("X-Priority", "1")]
        case 4?: [("Importance", "high"), ("X-Priority", "2")]
        case 2?: [("Importance", "low"), ("X-Priority", "4")]
        case 1?: [("Importance", "low"), ("X-Priority", "5")]
        default: []
        }
    }

    /// `<ID@DOMAIN>`, with a hash in place of an id that is too long or has other characters.
    private var messageID: String {
        let atoms = self.id.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isAtoms = atoms.allSatisfy { atom in
            !atom.isEmpty
                && atom.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
        guard isAtoms, self.id.utf8.count <= 100 else {
            var first = Fingerprint()
            first.add(self.id)
            var second = Fingerprint()
            second.add("Message-ID")
            second.add(self.id)
            return "<\(first.value.hexadecimal)\(second.value.hexadecimal)@\(self.from.domain)>"
        }
        return "<\(self.id)@\(self.from.domain)>"
    }
}
