import Glibc
import NIOSSL

/// Makes a TLS context from a server's certificate and key files.
enum HTTPIdentity {
    /// Reads the files; blocks, so never call it on an event loop.
    ///
    /// - Throws: ``HTTPServerError`` that names the file and the remedy.
    static func context(for tls: HTTPServerConfiguration.TLS) throws(HTTPServerError) -> NIOSSLContext {
        try self.checkReadable(tls.certificates)
        try self.checkReadable(tls.key)
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(tls.certificates), !certificates.isEmpty else {
            throw self.error(
                "\(tls.certificates) is not a PEM certificate; it must begin with '-----BEGIN CERTIFICATE-----' and hold the whole chain"
            )
        }
        guard let key = try? NIOSSLPrivateKey(file: tls.key, format: .pem) else {
            throw self.error(
                "\(tls.key) is not a PEM private key without a passphrase; make one with 'openssl pkey -in KEY -out NEW'")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if let authorities = tls.clientAuthorities {
            try self.checkReadable(authorities)
            configuration.trustRoots = .file(authorities)
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw self.error(
                """
                the key \(tls.key) does not belong to the certificate \(tls.certificates); use a matching pair, with the server's own \
                certificate first
                """
            )
        } catch {
            throw HTTPServerError(
                .identity, "the TLS certificate \(tls.certificates) with the key \(tls.key) cannot be used", cause: error)
        }
    }

    private static func checkReadable(_ path: String) throws(HTTPServerError) {
        guard access(path, R_OK) != 0 else { return }
        throw self.error("the file \(path) cannot be read: \(String(cString: strerror(errno)))")
    }

    private static func error(_ message: String) -> HTTPServerError { HTTPServerError(.identity, message) }
}
