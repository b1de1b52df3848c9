import BridgeTesting
import Curl
import NIOCore
import NIOSSL
import Testing

@Suite(.timeLimit(.minutes(1))) struct CurlTLSTests {
    private let curl = CurlMulti()
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try temporaryDirectory()
        try self.directory.write(Self.certificate, to: "certificate.pem")
        try self.directory.write(Self.key, to: "key.pem")
    }

    /// - Parameter asksClient: refuses clients that bring no certificate of ours.
    private func server(asksClient: Bool = false) async throws -> ScriptedHTTPServer {
        let certificate = try NIOSSLCertificate(bytes: Array(Self.certificate.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem))
        )
        if asksClient {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([certificate])
        }
        let context = try NIOSSLContext(configuration: configuration)
        return try await ScriptedHTTPServer(
            prepare: { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) },
            handle: { _, reply in reply.answer(200, [], "safe") }
        )
    }

    private func get(_ port: Int, host: String = "localhost", _ tls: CurlTLS) async throws -> String {
        let response = try await self.curl.response(to: CurlRequest("https://\(host):\(port)/", tls: tls), bodyLimit: 10)
        return String(buffer: response.body)
    }

    @Test func `a certificate is trusted through its file, under its names only`() async throws {
        let server = try await self.server()
        let tls = CurlTLS(authorities: self.directory.file("certificate.pem"))
        #expect(try await self.get(server.port, tls) == "safe")
        #expect(try await self.get(server.port, host: "127.0.0.1", tls) == "safe")
        let error = await #expect(throws: CurlError.self) { try await self.get(server.port, host: "127.0.0.2", tls) }
        #expect(error?.code == .tls || error?.code == .refused)
        try await server.stop()
    }

    @Test func `an unknown certificate is refused unless that is waived`() async throws {
        let server = try await self.server()
        let error = await #expect(throws: CurlError.self) { try await self.get(server.port, CurlTLS()) }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("certificate") == true)
        #expect(try await self.get(server.port, CurlTLS(isInsecure: true)) == "safe")
        try await server.stop()
    }

    @Test func `the client certificate is sent`() async throws {
        let server = try await self.server(asksClient: true)
        var tls = CurlTLS(authorities: self.directory.file("certificate.pem"))
        await #expect(throws: CurlError.self) { try await self.get(server.port, tls) }
        tls.certificate = self.directory.file("certificate.pem")
        tls.key = self.directory.file("key.pem")
        #expect(try await self.get(server.port, tls) == "safe")
        try await server.stop()
    }

    @Test func `a missing file is reported`() async throws {
        let server = try await self.server()
        let error = await #expect(throws: CurlError.self) {
            try await self.get(server.port, CurlTLS(authorities: self.directory.file("none.pem")))
        }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("none.pem") == true)
        try await server.stop()
    }

    /// Valid from 2020 to 2120, for `localhost` and 127.0.0.1, signed by itself.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBZjCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
        c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
        CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNu5NkSF2FU6+W0z
        P5rw1sX+WMEpEuV/HMdsSQ5r+fpGARSJPR7B/Z/X+ujFzmwBFr0i4PsvBYCDZSgo
        +UEEDA+jTjBMMA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJbG9jYWxob3N0
        hwR/AAABMB0GA1UdDgQWBBR71o7LTvN9O6x2qJ0evcV6FTxIDDAKBggqhkjOPQQD
        AgNHADBEAiBR6BLLbdaai96fr15Ai8K/PZ2Judsat250HGEKKHFxvQIgLDYTMalu
        2N5xWmVNl1SBGwd4aPaOey89KgR0C59nMx8=
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSVNu4OjqspfNT6YH
        0fiy/d090H6we114VZYMq2U8M8+hRANCAATbuTZEhdhVOvltMz+a8NbF/ljBKRLl
        fxzHbEkOa/n6RgEUiT0ewf2f1/roxc5sARa9IuD7LwWAg2UoKPlBBAwP
        -----END PRIVATE KEY-----
        """
}
