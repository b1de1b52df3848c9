import Glibc

/// Explains what is wrong with a file of `tls:`, or why the broker rejects it: one sentence with the remedy.
///
/// OpenSSL reports where its parser stopped ("no start line", "unsupported"), not what a file contains, so rejected files are inspected here.
enum MQTTTLSMistake {
    /// The apparent content of a file.
    private enum Content {
        case empty, certificate, key, protectedKey, binary, other
    }

    /// How many bytes of a file are inspected.
    private static let limit = 256 << 10

    /// A file that cannot be opened.
    static func unreadable(_ setting: String, _ file: String, _ failure: Int32) -> String {
        "\(setting): \(file) cannot be read: \(String(cString: strerror(failure))); put it there, or name another one"
    }

    /// A file of `tls.cert_file` or `tls.ca_file` in which OpenSSL finds no certificate.
    static func certificate(_ setting: String, _ file: String) -> String {
        let expected = "it must hold a certificate in PEM (-----BEGIN CERTIFICATE-----)"
        let mistake =
            switch self.content(of: file, asCertificate: true) {
            case .empty: "is empty; \(expected)"
            case .certificate: "holds a damaged certificate; copy it again"
            case .key, .protectedKey: "holds a key and no certificate; \(expected)"
            case .binary: "is not PEM; convert it with openssl x509 -inform DER -in \(file) -out certificate.pem"
            case .other: "holds no certificate; \(expected)"
            }
        return "\(setting): \(file) \(mistake)"
    }

    /// A file of `tls.key_file` that OpenSSL rejects for the certificate.
    ///
    /// - Parameter isMismatch: whether its key belongs to another certificate.
    static func key(_ file: String, certificate: String, isMismatch: Bool) -> String {
        if isMismatch {
            return
                "tls.key_file: the key in \(file) does not belong to the certificate in \(certificate); set tls.key_file"
                + " to the certificate's private key"
        }
        let expected = "it must hold a private key in PEM (-----BEGIN PRIVATE KEY-----)"
        let mistake =
            switch self.content(of: file) {
            case .empty: "is empty; \(expected)"
            case .certificate: "holds a certificate and no private key; \(expected)"
            case .key: "holds a damaged key; copy it again"
            case .protectedKey:
                "is protected by a passphrase; remove it with openssl pkey -in \(file) -out key.pem, and keep the new file private"
            case .binary: "is not PEM; convert it with openssl pkey -inform DER -in \(file) -out key.pem"
            case .other: "holds no private key; \(expected)"
            }
        return "tls.key_file: \(file) \(mistake)"
    }

    /// What an alert from the broker (RFC 8446 §6.2) means for our certificate; `nil` for any other reason.
    ///
    /// - Parameters:
    ///   - reason: OpenSSL's error text.
    ///   - certificate: the file of our certificate; `nil` for none.
    static func alert(_ reason: String, certificate: String?) -> String? {
        guard let range = reason.firstRange(of: " alert ") else { return nil }
        let alert = reason[range.upperBound...]
        guard let certificate else {
            // TLS 1.2 has no dedicated alert for a missing certificate.
            switch alert {
            case "certificate required", "bad certificate":
                return "the broker requires a client certificate; set tls.cert_file and tls.key_file"
            case "handshake failure":
                return
                    "the broker requires a client certificate, or none of its TLS versions and ciphers is supported here; for the former,"
                    + " set tls.cert_file and tls.key_file"
            default: return nil
            }
        }
        switch alert {
        case "unknown ca", "bad certificate", "certificate unknown", "unsupported certificate", "access denied":
            return
                "the broker rejected the certificate in \(certificate) (\(alert)); set tls.cert_file to a client certificate from an authority"
                + " that the broker trusts"
        case "certificate expired": return "the certificate in \(certificate) has expired; renew it"
        case "certificate revoked": return "the certificate in \(certificate) was revoked; set tls.cert_file to another one"
        default: return nil
        }
    }

    /// - Parameter isCertificate: which of the two decides when a file contains both a certificate and a key.
    private static func content(of file: String, asCertificate isCertificate: Bool = false) -> Content {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .other }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: self.limit) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
        }
        func has(_ text: String) -> Bool { bytes.firstRange(of: Array(text.utf8)) != nil }
        if bytes.isEmpty { return .empty }
        if isCertificate, has("CERTIFICATE-----") { return .certificate }
        if has("PRIVATE KEY-----") { return has("ENCRYPTED") ? .protectedKey : .key }
        if has("CERTIFICATE-----") { return .certificate }
        // An ASN.1 SEQUENCE, with which certificates and keys in DER begin.
        return bytes[0] == 0x30 ? .binary : .other
    }
}
