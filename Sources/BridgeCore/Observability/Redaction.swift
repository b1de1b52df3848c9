package import Logging

/// Replaces a component's secrets by `***` in texts of its peers.
///
/// The engine applies it to everything that a component reports: log lines, reasons of readiness, dead letters and
/// gaps. It finds a secret unchanged, percent-encoded (RFC 3986 §2.1), and with JSON or HTML escapes. It also replaces
/// the beginning of a long secret, because peers shorten their quotes. Immutable.
package struct Redaction: Sendable {
    /// The replacement for a secret.
    package static let mark = "***"
    /// How many bytes at the beginning of a secret count as the secret.
    private static let beginning = 16

    private struct Form {
        let bytes: [UInt8]
        /// Whether the neighbours must not belong to a word.
        let isWord: Bool
    }

    /// The forms by their first bytes.
    private let forms: [UInt8: [Form]]

    /// Makes a redaction of a component's secrets; without any it changes nothing.
    ///
    /// - Parameters:
    ///   - secrets: those of the component's settings and of their variants.
    ///   - references: the values of all `${env:…}` and `${file:…}` of the configuration file.
    package init(_ secrets: [SecretTexts] = [], references: [Secret] = []) {
        var certain = secrets.reduce(into: Set<String>()) { $0.formUnion($1.certain) }
        let sent = secrets.flatMap(\.sent)
        for value in references.map(\.value) where value.utf8.count >= SecretTexts.fewestBytes {
            if sent.contains(where: { $0.contains(value) || $0.contains(Self.json(value)) }) { certain.insert(value) }
        }
        let doubtful = secrets.reduce(into: Set<String>()) { $0.formUnion($1.doubtful) }.subtracting(certain)
        let forms =
            certain.flatMap { Self.forms(of: $0).map { Form(bytes: Array($0.utf8), isWord: false) } }
            + doubtful.flatMap { Self.forms(of: $0).map { Form(bytes: Array($0.utf8), isWord: true) } }
        self.forms = Dictionary(grouping: forms) { $0.bytes[0] }
    }

    /// The text with each secret replaced, the longest where several begin.
    ///
    /// - Parameter isCut: whether the text may end within a secret.
    package func redacted(_ text: String, isCut: Bool = false) -> String {
        guard !self.forms.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        var kept = 0
        while index < bytes.count {
            guard let end = self.end(ofSecretAt: index, in: bytes, isCut: isCut) else {
                index += 1
                continue
            }
            result += bytes[kept..<index] + Array(Self.mark.utf8)
            index = end
            kept = end
        }
        return kept == 0 ? text : String(decoding: result + bytes[kept...], as: UTF8.self)
    }

    /// - Returns: `nil` when no secret begins there.
    private func end(ofSecretAt start: Int, in bytes: [UInt8], isCut: Bool) -> Int? {
        guard let forms = self.forms[bytes[start]] else { return nil }
        var longest: Int?
        for form in forms where !form.isWord || start == 0 || !Self.isOfWord(bytes[start - 1]) {
            let count = zip(form.bytes, bytes[start...]).prefix { $0 == $1 }.count
            var end = start + count
            let isWhole = count == form.bytes.count
            let isEnough = count >= Self.beginning || (isCut && end == bytes.count && count >= SecretTexts.fewestBytes)
            guard isWhole || isEnough else { continue }
            if isWhole, form.isWord, end < bytes.count, Self.isOfWord(bytes[end]) { continue }
            // The beginning of a secret may end within a character.
            while !isWhole, end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
            longest = max(longest ?? 0, end)
        }
        return longest
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    /// How a peer may write a text that it quotes; never empty.
    private static func forms(of text: String) -> Set<String> {
        let encoded = self.percentEncoded(text, uppercase: true)
        return [
            text, encoded, self.percentEncoded(text, uppercase: false), encoded.replacing("%20", with: "+"), self.json(text),
            self.json(text).replacing("/", with: "\\/"), self.html(text, quote: "&#39;"), self.html(text, quote: "&#x27;"),
        ]
    }

    private static func percentEncoded(_ text: String, uppercase: Bool) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "~"): result.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where byte < 0x80 && self.isOfWord(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: uppercase)
            }
        }
    }

    private static func json(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func html(_ text: String, quote: String) -> String {
        let markup = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return markup.replacing("\"", with: "&quot;").replacing("'", with: quote)
    }
}

extension Redaction {
    /// A logger that writes to the same place, without the secrets.
    package func logger(_ logger: Logger) -> Logger {
        guard !self.forms.isEmpty, !(logger.handler is RedactingLogHandler) else { return logger }
        var result = logger
        result.handler = RedactingLogHandler(logger.handler, redaction: self)
        return result
    }
}

/// Replaces secrets in log lines before another handler writes them.
private struct RedactingLogHandler: LogHandler {
    private var handler: any LogHandler
    private let redaction: Redaction

    init(_ handler: any LogHandler, redaction: Redaction) {
        self.handler = handler
        self.redaction = redaction
    }

    var logLevel: Logger.Level {
        get { self.handler.logLevel }
        set { self.handler.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { self.handler.metadata }
        set { self.handler.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.handler[metadataKey: key] }
        set { self.handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = Logger.Message(stringLiteral: self.redaction.redacted("\(event.message)"))
        event.error = nil  // no handler of this program writes it
        event.metadata = event.metadata?.mapValues { value in
            let text = "\(value)"
            let redacted = self.redaction.redacted(text)
            return redacted == text ? value : .string(redacted)
        }
        self.handler.log(event: event)
    }
}
