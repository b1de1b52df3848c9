/// The envelope of a mail, for a ``CurlRequest`` to an `smtp` or `smtps` URL whose body is the whole message.
///
/// The replies of the server arrive at the receiver as its body, one line per call, with their codes; there is no head.
/// libcurl escapes lines of the message that begin with a dot.
package struct CurlMail: Sendable, Equatable {
    /// Whether an `smtp` connection changes to TLS before anything else is sent (RFC 3207).
    package enum StartTLS: Sendable {
        /// It stays without TLS.
        case off
        /// Where the server offers it: an attacker in between can remove the offer.
        case offered
        /// The transfer fails without it.
        case required
    }

    /// The address of the sender; see ``isAddress(_:)``.
    package var sender: String
    /// The addresses of the receivers; the mail goes to those that the server accepts.
    ///
    /// Without any there is no mail: the transfer logs in and sends `NOOP` (RFC 5321 §4.1.1.9).
    package var recipients: [String]
    /// How an `smtp` connection is secured; without effect for `smtps`.
    package var startTLS: StartTLS

    /// Makes an envelope from its parts.
    package init(sender: String, recipients: [String], startTLS: StartTLS) {
        self.sender = sender
        self.recipients = recipients
        self.startTLS = startTLS
    }

    /// Whether a text can be between the angle brackets of an SMTP command: printable ASCII without spaces and brackets,
    /// with one `@`, within the lengths of RFC 5321 §4.5.3.1.
    package static func isAddress(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && (1...64).contains(parts[0].count) && (1...255).contains(parts[1].count)
            && text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
    }
}
