import CCurl

/// Translates messages of libcurl and OpenSSL for the author of the address.
enum CurlMistake {
    /// The mistake and the remedy; the text itself where nothing more is known.
    ///
    /// - Parameters:
    ///   - text: libcurl's own words.
    ///   - url: where the request went.
    static func explained(_ text: String, _ result: CURLcode, url: String) -> String {
        let plain = self.isMail(url) ? "smtp://" : "http://"
        switch result {
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_RECV_ERROR, CURLE_SSL_CACERT_BADFILE:
            if let explanation = self.tls(text, plain: plain) { return explanation }
        case CURLE_UNSUPPORTED_PROTOCOL where text.contains("HTTP/0.9"):
            return self.isSecure(url)
                ? "\(text); the port may belong to another service"
                : "\(text); the port may require TLS (https://) or belong to another service"
        case CURLE_COULDNT_CONNECT:
            // The time that the attempt took makes every report of one failure another text.
            let shown = text.firstRange(of: " after ").map { text[..<$0.lowerBound] } ?? text[...]
            return "\(shown); check host and port, and that the server runs"
        case CURLE_COULDNT_RESOLVE_HOST:
            return "\(text); check the spelling of the host, and the DNS of this machine"
        default: break
        }
        switch result {
        case CURLE_SSL_CONNECT_ERROR:
            return "\(text); if this persists, the port may not speak TLS (\(plain)) or belong to another service"
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR:
            // The sender of a mail knows whether the server has answered before.
            guard !self.isSecure(url), !self.isMail(url) else { return text }
            return "\(text); if this persists, the port may require TLS (https://) or belong to another service"
        default: return text
        }
    }

    private static func isSecure(_ url: String) -> Bool {
        url.prefix(8).lowercased() == "https://"
    }

    private static func isMail(_ url: String) -> Bool {
        ["smtp://", "smtps:/"].contains(url.prefix(7).lowercased())
    }

    /// - Parameter plain: the scheme for a port without TLS.
    private static func tls(_ text: String, plain: String) -> String? {
        let noTLS = "the port does not speak TLS; write \(plain) or another port"
        let mistakes: [(mark: String, meaning: String)] = [
            ("wrong version number", noTLS), ("packet length too long", noTLS), ("http request", noTLS),
            ("certificate has expired", "the certificate of the server has expired; renew it there"),
            (
                "certificate is not yet valid",
                "the certificate of the server is not valid yet; compare the clocks of both machines"
            ),
            ("local issuer certificate", self.unknownAuthority), ("issuer certificate", self.unknownAuthority),
            ("self-signed certificate", self.unknownAuthority), ("self signed certificate", self.unknownAuthority),
            ("unsupported protocol", "the server supports only outdated TLS versions; it needs TLS 1.2 or later"),
            ("alert protocol version", "the server has no version of TLS in common with this program (1.2 or later)"),
            ("certificate required", "the server requires a client certificate; set tls.cert_file and tls.key_file"),
            ("alert unknown ca", "the server does not trust the client certificate of tls.cert_file"),
            ("alert bad certificate", "the server does not accept the client certificate, or requires one: see tls.cert_file"),
        ]
        let lower = text.lowercased()
        if let mistake = mistakes.first(where: { lower.contains($0.mark) }) { return mistake.meaning }
        guard lower.contains("subject name") else { return nil }
        let quoted = text.split(separator: "'", omittingEmptySubsequences: false).dropFirst().first
        return "the certificate of the server is not for \(quoted.map { "'\($0)'" } ?? "this host"); write a host that it names"
    }

    private static let unknownAuthority =
        "the certificate of the server is from an unknown authority; name that authority's certificate with tls.ca_file"
}
