/// The address of a mail server: `smtp://host[:587]`, or `smtps://host[:465]` with TLS from the start.
struct SMTPURL: Equatable, Sendable {
    var isTLS = false
    var host = ""
    var port = 587

    /// An address that no file has.
    init() {}

    /// `nil` for anything else; see ``mistake(in:)``.
    init?(_ text: String) {
        guard Self.mistake(in: text) == nil, let (isTLS, host, port) = Self.parts(of: text) else { return nil }
        self.isTLS = isTLS
        self.host = host
        self.port = port
    }

    /// The address for libcurl and for messages.
    var text: String {
        "\(self.isTLS ? "smtps" : "smtp")://\(self.host.contains(":") ? "[\(self.host)]" : self.host):\(self.port)"
    }

    /// Why a text is not the address of a mail server, with the remedy; `nil` when it is.
    static func mistake(in text: String) -> String? {
        let form = "write smtp://host:587 or smtps://host"
        guard let scheme = text.firstRange(of: "://") else { return "'\(text)' has no scheme; \(form)" }
        guard ["smtp", "smtps"].contains(text[..<scheme.lowerBound]) else {
            return "unsupported scheme '\(text[..<scheme.lowerBound])'; \(form)"
        }
        if text.contains("@") { return "must not contain a user or password; set user and password" }
        let rest = text[scheme.upperBound...]
        if rest.contains(where: { "/?#".contains($0) }) { return "must end after the port; \(form)" }
        return self.parts(of: text) == nil ? "'\(rest)' is not a host with a port from 1 to 65535; \(form)" : nil
    }

    private static func parts(of text: String) -> (isTLS: Bool, host: String, port: Int)? {
        let isTLS = text.hasPrefix("smtps://")
        var host = text.dropFirst(isTLS ? 8 : 7)
        var port = isTLS ? 465 : 587
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard let number = Int(host[host.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
            port = number
            host = host[..<colon]
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        let isHost = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._".utf8.contains(byte)
                || isBracketed && byte == UInt8(ascii: ":")
        }
        return host.isEmpty || !isHost ? nil : (isTLS, String(host), port)
    }
}
