import BridgeTesting
import COpenSSL
import Testing

@testable import Mosquitto

/// The channel against a server of OpenSSL in this process, without a network.
@Suite(.timeLimit(.minutes(1)))
struct MQTTSecureChannelTests {
    /// The other end.
    private final class Server {
        private let context: OpaquePointer
        private let ssl: OpaquePointer
        private let incoming: OpaquePointer
        private let outgoing: OpaquePointer

        init(_ certificates: Certificates) throws {
            self.context = try #require(SSL_CTX_new(TLS_server_method()))
            self.ssl = try #require(
                SSL_CTX_use_certificate_chain_file(self.context, certificates.server) == 1
                    && SSL_CTX_use_PrivateKey_file(self.context, certificates.serverKey, SSL_FILETYPE_PEM) == 1
                    ? SSL_new(self.context) : nil)
            self.incoming = try #require(BIO_new(BIO_s_mem()))
            self.outgoing = try #require(BIO_new(BIO_s_mem()))
            SSL_set_bio(self.ssl, self.incoming, self.outgoing)
            SSL_set_accept_state(self.ssl)
        }

        deinit {
            SSL_free(self.ssl)
            SSL_CTX_free(self.context)
        }

        /// Does the handshake with a client.
        func greet(_ client: MQTTSecureChannel) throws {
            for _ in 0..<10 {
                let isDone = try client.handshake()
                self.take(from: client)
                let isAccepted = SSL_do_handshake(self.ssl) == 1
                try self.give(to: client)
                if isDone, isAccepted { return }
            }
            Issue.record("no handshake")
        }

        /// A record that changes the keys and has no content (RFC 8446 §4.6.3).
        func updateKey() {
            #expect(SSL_key_update(self.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(self.ssl) == 1)
        }

        func write(_ bytes: [UInt8]) { #expect(SSL_write(self.ssl, bytes, Int32(bytes.count)) == bytes.count) }

        /// Moves what the server has written to the client, and returns how many bytes that is.
        @discardableResult
        func give(to client: MQTTSecureChannel) throws -> Int {
            var buffer = [UInt8](repeating: 0, count: 32 << 10)
            var total = 0
            while case let count = BIO_read(self.outgoing, &buffer, Int32(buffer.count)), count > 0 {
                try buffer.withUnsafeBytes { try client.receive(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
                total += Int(count)
            }
            return total
        }

        private func take(from client: MQTTSecureChannel) {
            var buffer = [UInt8](repeating: 0, count: 32 << 10)
            let count = buffer.withUnsafeMutableBytes { client.takeRecords($0) }
            if count > 0 { BIO_write(self.incoming, buffer, Int32(count)) }
        }
    }

    private func pair() async throws -> (server: Server, client: MQTTSecureChannel) {
        let certificates = try await Certificates.make()
        let tls = MosquittoOptions.TLS(authorities: certificates.authority)
        let server = try Server(certificates)
        let client = try MQTTSecureChannel(tls, host: "localhost", peer: "mqtts://localhost:8883")
        try server.greet(client)
        return (server, client)
    }

    private func read(_ client: MQTTSecureChannel) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = try buffer.withUnsafeMutableBytes { try client.read($0) } ?? 0
        return Array(buffer[..<count])
    }

    @Test func `a peer that sends endless records without content is given up`() async throws {
        let (server, client) = try await self.pair()
        var total = 0
        let error = #expect(throws: MosquittoError.self) {
            while total < 2 * MQTTSecureChannel.largestOverhead {
                server.updateKey()
                total += try server.give(to: client)
                #expect(try self.read(client) == [])
            }
        }
        #expect(error?.code == .violation)
        #expect(error?.message == "mqtts://localhost:8883 sent more than 262144 bytes of TLS records without content")
        #expect(total <= MQTTSecureChannel.largestOverhead)
    }

    @Test func `empty records between messages are accepted without a limit`() async throws {
        let (server, client) = try await self.pair()
        var total = 0
        while total < 2 * MQTTSecureChannel.largestOverhead {
            for _ in 0..<1000 { server.updateKey() }
            total += try server.give(to: client)
            #expect(try self.read(client) == [])
            server.write([1, 2, 3])
            try server.give(to: client)
            #expect(try self.read(client) == [1, 2, 3])
        }
    }
}
