import BridgeTesting

/// A certificate for 127.0.0.1 that no client trusts, and its key.
struct TLSFiles: Sendable {
    let certificate: String
    let key: String
    private let directory: TemporaryDirectory

    static func make() async throws -> TLSFiles {
        let directory = try TemporaryDirectory()
        let (certificate, key) = (directory.file("certificate.pem"), directory.file("key.pem"))
        let openssl = try ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ]
        )
        guard try await openssl.untilEnded() == .exited(0) else { throw PeerError(openssl.standardError) }
        return TLSFiles(certificate: certificate, key: key, directory: directory)
    }
}
