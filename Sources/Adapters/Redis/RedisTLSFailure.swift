import Glibc
import NIOCore
import NIOSSL

/// Translates TLS failures into configuration mistakes and their remedies.
enum RedisTLSFailure {
    /// Half a sentence with the mistake and the remedy; `nil` for an error outside TLS.
    ///
    /// On the event loop of the channel.
    ///
    /// - Parameter pipeline: still has the TLS handler, which knows the server's certificate.
    static func reason(_ error: any Error, _ pipeline: ChannelPipeline) -> String? {
        if let error = error as? NIOSSLExtraError { return self.nameMismatch(error) }
        guard let error = error as? NIOSSLError else { return nil }
        switch error {
        case .handshakeFailed(let cause):
            let text = "\(cause)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") { return self.distrust(pipeline) }
            return self.mistakes.first { text.contains($0.mark) }?.reason ?? "the handshake failed: \(text)"
        case .unableToValidateCertificate, .noCertificateToValidate:
            return self.distrust(pipeline)
        case .uncleanShutdown:
            return
                "the server closed the connection without an error; it may require a client certificate (tls.cert_file and key_file)"
        default:
            return nil
        }
    }

    /// Texts of BoringSSL, with their meaning.
    private static let mistakes: [(mark: String, reason: String)] = [
        ("WRONG_VERSION_NUMBER", "the port does not speak TLS; write redis:// or another port"),
        ("HTTP_REQUEST", "the port does not speak TLS; write redis:// or another port"),
        ("UNSUPPORTED_PROTOCOL", "the server supports only outdated TLS versions; it needs TLS 1.2 or later"),
        ("PROTOCOL_VERSION", "the server has no version of TLS in common with this program; it needs TLS 1.2 or later"),
        ("CERTIFICATE_REQUIRED", "the server requires a client certificate; set tls.cert_file and key_file"),
        ("UNKNOWN_CA", "the server does not trust the client certificate of tls.cert_file"),
        ("BAD_CERTIFICATE", "the server does not accept the client certificate of tls.cert_file"),
    ]

    private static func nameMismatch(_ error: NIOSSLExtraError) -> String? {
        guard error == .failedToValidateHostname else { return "\(error)" }
        return "the certificate is for another name; write a host in the url that the certificate names"
    }

    /// Why the certificate is not trusted.
    private static func distrust(_ pipeline: ChannelPipeline) -> String {
        let handler = try? pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        if let certificate = handler?.peerCertificate {
            let now = time(nil)
            if certificate.notValidAfter < now { return "the certificate of the server has expired; renew it there" }
            if certificate.notValidBefore > now {
                return "the certificate of the server is not valid yet; compare the clocks of both machines"
            }
        }
        return "the certificate of the server is from an unknown authority; name that authority's certificate with"
            + " tls.ca_file, and check that the certificate has not expired"
    }
}
