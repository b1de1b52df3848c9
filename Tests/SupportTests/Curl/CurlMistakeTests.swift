import BridgeTesting
import Curl
import NIOCore
import NIOSSL
import Testing

/// The message of a failure for the author of the address.
@Suite(.timeLimit(.minutes(1)))
struct CurlMistakeTests {
    private let curl = CurlMulti()

    private func failure(_ url: String, _ tls: CurlTLS = CurlTLS()) async -> String {
        let error = await #expect(throws: CurlError.self) {
            try await self.curl.response(to: CurlRequest(url, tls: tls), bodyLimit: 10)
        }
        return error?.message ?? ""
    }

    /// A server whose certificate is made for a name and valid in a time, and the file of that certificate.
    private static func secure(
        _ directory: TemporaryDirectory, name: String, days: String
    ) async throws -> (server: ScriptedHTTPServer, file: String) {
        let (key, certificate) = (directory.file("key.pem"), directory.file("certificate.pem"))
        let make = try ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days, "-subj",
                "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out", certificate,
            ])
        guard try await make.untilEnded() == .exited(0) else { throw PeerError(make.standardError) }
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))))
        let server = try await ScriptedHTTPServer(
            prepare: { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) },
            handle: { _, reply in reply.answer(200, [], "safe") }
        )
        return (server, certificate)
    }

    @Test func `TLS at a port without it, and none at a port with it, are named with the remedy`() async throws {
        let plain = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "open") }
        let open = await self.failure("https://127.0.0.1:\(plain.port)/")
        #expect(open.contains("speak TLS") && open.contains("http://"), "\(open)")
        let directory = try TemporaryDirectory()
        let (secure, _) = try await Self.secure(directory, name: "localhost", days: "2")
        let text = await self.failure("http://127.0.0.1:\(secure.port)/")
        #expect(text.contains("the port may require TLS (https://) or belong to another service"), "\(text)")
        try await plain.stop()
        try await secure.stop()
    }

    @Test func `a certificate that is not trusted is named with the reason`() async throws {
        let directory = try TemporaryDirectory()
        let (other, file) = try await Self.secure(directory, name: "other.example", days: "2")
        let url = "https://localhost:\(other.port)/"
        #expect(
            await self.failure(url, CurlTLS(authorities: file))
                == "the certificate of the server is not for 'localhost'; write a host that it names")
        let unknown = "is from an unknown authority; name that authority's certificate with tls.ca_file"
        #expect(await self.failure(url).hasSuffix(unknown))
        try await other.stop()
    }

    @Test func `another service at the port is suggested`() async throws {
        let server = try await BrokerProcess.redis()
        #expect(await self.failure("http://127.0.0.1:\(server.port)/").contains("belong to another service"))
    }
}
