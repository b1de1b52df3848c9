import COpenSSL
import Glibc

/// TLS between a client and a broker: turns what is sent into records and records into what was sent.
///
/// Without I/O, by the OpenSSL that libmosquitto uses too. Confined to the thread that made it.
final class MQTTSecureChannel {
    /// The limit of consecutive record bytes without content, such as key updates and session tickets (RFC 8446 §4.6).
    ///
    /// The handshake consists of such records; OpenSSL accepts up to 100 KiB of certificates in it.
    static let largestOverhead = 256 << 10

    private let context: OpaquePointer
    private let ssl: OpaquePointer
    /// Records from the broker; owned by ``ssl``.
    private let incoming: OpaquePointer
    /// Records for the broker; owned by ``ssl``.
    private let outgoing: OpaquePointer
    private let peer: String
    /// The files that the settings name.
    private let authorities: String?
    private let certificate: String?
    /// How many bytes have arrived since the last content.
    private var overhead = 0

    /// - Parameter host: what the broker's certificate must be for.
    /// - Throws: ``MosquittoError`` when a file of the settings cannot be used.
    init(_ settings: MosquittoOptions.TLS, host: String, peer: String) throws {
        self.peer = peer
        self.authorities = settings.authorities
        self.certificate = settings.certificate
        let files = [
            ("tls.ca_file", settings.authorities), ("tls.cert_file", settings.certificate), ("tls.key_file", settings.key),
        ]
        for case (let setting, let file?) in files where access(file, R_OK) != 0 {
            throw Self.mistake(MQTTTLSMistake.unreadable(setting, file, errno), peer)
        }
        ERR_clear_error()
        guard let context = copenssl_client_context() else { throw Self.failure("the library has no memory", peer) }
        do {
            try Self.configure(context, settings, peer)
            guard let ssl = SSL_new(context), let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
                throw Self.failure("the library has no memory", peer)
            }
            self.context = context
            self.ssl = ssl
            self.incoming = incoming
            self.outgoing = outgoing
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        SSL_set_bio(self.ssl, self.incoming, self.outgoing)
        SSL_set_connect_state(self.ssl)
        // A numeric address is matched against the addresses of a certificate, and is not sent as a server name (RFC
        // 6066 §3).
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(self.ssl), host) != 1 {
            ERR_clear_error()
            guard SSL_set1_host(self.ssl, host) == 1, copenssl_set_server_name(self.ssl, host) == 1 else {
                throw Self.failure("'\(host)' cannot be the name of a certificate", peer)
            }
        }
    }

    deinit {
        SSL_free(self.ssl)
        SSL_CTX_free(self.context)
    }

    private static func configure(_ context: OpaquePointer, _ settings: MosquittoOptions.TLS, _ peer: String) throws {
        // Without this OpenSSL would ask for a passphrase on the terminal.
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
        SSL_CTX_set_verify(context, settings.isInsecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
        if let authorities = settings.authorities {
            guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
                throw self.mistake(MQTTTLSMistake.certificate("tls.ca_file", authorities), peer)
            }
        } else {
            SSL_CTX_set_default_verify_paths(context)
        }
        guard let certificate = settings.certificate, let key = settings.key else { return }
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw self.mistake(MQTTTLSMistake.certificate("tls.cert_file", certificate), peer)
        }
        ERR_clear_error()
        let isKey = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
        guard isKey, SSL_CTX_check_private_key(context) == 1 else {
            // OpenSSL compares a key of the certificate's type on loading; only the check notices one of another type.
            let isMismatch = isKey || ["key values mismatch", "key type mismatch"].contains(self.reason)
            throw self.mistake(MQTTTLSMistake.key(key, certificate: certificate, isMismatch: isMismatch), peer)
        }
    }

    // MARK: Records

    /// Adds received records, or parts of them; ``handshake()`` or ``read(_:)`` follows before more of them.
    ///
    /// - Throws: ``MosquittoError`` when more than ``largestOverhead`` arrive without content: such records would keep
    ///   the thread busy forever.
    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        guard let address = bytes.baseAddress, !bytes.isEmpty else { return }
        self.overhead += bytes.count
        guard self.overhead <= Self.largestOverhead else {
            throw MosquittoError(
                .violation, "\(self.peer) sent more than \(Self.largestOverhead) bytes of TLS records without content"
            )
        }
        BIO_write(self.incoming, address, Int32(bytes.count))
    }

    /// Whether there are records to send.
    var hasRecords: Bool { BIO_ctrl_pending(self.outgoing) > 0 }

    /// Moves records to send into a buffer and returns how many bytes they are.
    func takeRecords(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard self.hasRecords else { return 0 }
        return Int(max(0, BIO_read(self.outgoing, buffer.baseAddress, Int32(buffer.count))))
    }

    // MARK: Plain bytes

    /// Continues the handshake.
    ///
    /// - Returns: whether it is done.
    /// - Throws: ``MosquittoError`` with what is wrong.
    func handshake() throws -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(self.ssl)
        if result == 1 { return true }
        if SSL_get_error(self.ssl, result) == SSL_ERROR_WANT_READ { return false }
        let reason = Self.reason
        if let refusal = self.refusal(reason) { throw refusal }
        throw Self.failure(self.explained(reason), self.peer)
    }

    /// Reads plain bytes.
    ///
    /// - Returns: 0 when more records are needed; `nil` when the broker has ended the stream in order.
    /// - Throws: ``MosquittoError``.
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
        ERR_clear_error()
        let count = SSL_read(self.ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        if count > 0 {
            self.overhead = 0
            return Int(count)
        }
        switch SSL_get_error(self.ssl, count) {
        case SSL_ERROR_WANT_READ: return 0
        case SSL_ERROR_ZERO_RETURN: return nil
        default:
            let reason = Self.reason
            // With TLS 1.3, the broker verifies our certificate after our side has finished the handshake.
            throw self.refusal(reason)
                ?? MosquittoError(.lost, "the TLS connection to \(self.peer) was lost: \(reason)")
        }
    }

    /// Makes records of plain bytes; after the handshake only.
    ///
    /// - Throws: ``MosquittoError``.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let address = bytes.baseAddress, !bytes.isEmpty else { return }
        ERR_clear_error()
        guard SSL_write(self.ssl, address, Int32(bytes.count)) == bytes.count else {
            throw MosquittoError(.lost, "the TLS connection to \(self.peer) was lost: \(Self.reason)")
        }
    }

    // MARK: Errors

    private static func failure(_ reason: String, _ peer: String) -> MosquittoError {
        MosquittoError(.unreachable, "TLS with \(peer) failed: \(reason)")
    }

    /// The error for an unusable file of the settings.
    private static func mistake(_ text: String, _ peer: String) -> MosquittoError {
        ERR_clear_error()
        return MosquittoError(.file, "TLS with \(peer) failed: \(text)")
    }

    /// The error if the broker rejected our certificate or requires one; `nil` otherwise.
    private func refusal(_ reason: String) -> MosquittoError? {
        MQTTTLSMistake.alert(reason, certificate: self.certificate).map {
            MosquittoError(.certificate, "TLS with \(self.peer) failed: \($0)")
        }
    }

    private func explained(_ reason: String) -> String {
        let verdict = SSL_get_verify_result(self.ssl)
        if verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) {
            return "\(reason) (\(String(cString: text))); \(self.remedy(verdict))"
        }
        return reason == "wrong version number" ? "the port does not speak TLS; write mqtt:// or another port" : reason
    }

    /// The remedy for a certificate that is not trusted.
    private func remedy(_ verdict: Int) -> String {
        switch Int32(verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED: "renew the certificate at the broker"
        case X509_V_ERR_CERT_NOT_YET_VALID: "compare the clocks of both machines"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: "write a host in the url that the certificate names"
        default:
            if let authorities {
                "the broker's certificate is not signed by the authority in \(authorities); set tls.ca_file to the one that signed it"
            } else {
                "name the certificate of the broker's authority with tls.ca_file"
            }
        }
    }

    /// The first error of the library's queue, which is emptied.
    private static var reason: String {
        defer { ERR_clear_error() }
        guard let text = ERR_reason_error_string(ERR_get_error()) else { return "the stream ended" }
        return String(cString: text)
    }
}
