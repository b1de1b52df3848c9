import BridgeCore
import NIOCore

/// The value of `Idempotency-Key`, the same for each repeat of a request.
struct WebhookKey {
    static let field = "Idempotency-Key"

    let text: String

    /// Parses a field: a quoted string, as draft-ietf-httpapi-idempotency-key-header says (RFC 9651 §3.3.3), or bare
    /// text, as most clients send it.
    ///
    /// - Returns: `nil` for one that is empty.
    init?(_ field: String) {
        let field = field.drop { $0 == " " || $0 == "\t" }
        guard field.first == "\"", field.count > 1, field.last == "\"" else {
            guard !field.isEmpty else { return nil }
            self.text = String(field)
            return
        }
        var text = ""
        var isEscaped = false
        for character in field.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                text.append(character)
                isEscaped = false
            }
        }
        guard !text.isEmpty else { return nil }
        self.text = text
    }

    /// The key of one item of a body that has several.
    ///
    /// - Parameter number: the item's, from 1.
    func item(_ number: Int) -> WebhookKey { WebhookKey(text: "\(self.text)-\(number)") }

    private init(text: String) {
        self.text = text
    }

    /// Gives a message the key as its id, and makes a repeat recognisable.
    ///
    /// The body is included: a key that is reused for another body must not drop that one.
    func mark(_ message: inout ReceivedMessage) {
        var hash = Fingerprint()
        hash.add(message.subject)
        hash.add(self.text)
        message.body.withUnsafeReadableBytes { hash.add($0) }
        message.repeatKey = hash.value
        message.mayBeRepeated = true
        // The same id each time, for the answer too.
        message.upstreamID = EventID.isLegal(self.text) ? self.text : "key_" + String(hash.value, radix: 16)
    }
}
