import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOPosix
import Testing

@testable import RedisAdapter

/// Logging in to a real server over every transport.
@Suite(.timeLimit(.minutes(1)))
struct RedisConnectionTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func settings(_ json: String) throws -> RedisSettings {
        try JSONDecoder().decode(Holder.self, from: Data(json.utf8)).settings
    }

    private func ping(_ json: String) async throws -> String? {
        let connection = try await RedisConnection.open(try self.settings(json), group: self.group, name: "a test")
        defer { connection.close() }
        return try await connection.command("PING").text
    }

    private func failure(_ json: String) async -> ComponentError? {
        do {
            _ = try await self.ping(json)
            return nil
        } catch {
            return error as? ComponentError
        }
    }

    @Test func `a password opens the server and a wrong one is reported`() async throws {
        let server = try await BrokerProcess.redis("--requirepass", "right")
        #expect(try await self.ping("{\"url\":\"redis://:right@127.0.0.1:\(server.port)/2\"}") == "PONG")
        #expect(try await self.ping("{\"url\":\"redis://127.0.0.1:\(server.port)\",\"password\":\"right\"}") == "PONG")
        let wrong = await self.failure("{\"url\":\"redis://127.0.0.1:\(server.port)\",\"password\":\"wrong\"}")
        #expect(wrong?.code == .unauthorized)
        #expect(wrong?.message.hasPrefix("redis://127.0.0.1:\(server.port) does not accept the password: WRONGPASS") == true)
        #expect(wrong.map { !"\($0)".contains(":wrong") } == true)
    }

    @Test func `a user may log in with a password of their own`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        _ = try await peer.command("ACL", "SETUSER", "bridge", "on", ">secret", "~*", "&*", "+@all")
        #expect(
            try await self.ping("{\"url\":\"redis://127.0.0.1:\(server.port)\",\"user\":\"bridge\",\"password\":\"secret\"}")
                == "PONG"
        )
    }

    @Test func `a unix socket is a transport`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await BrokerProcess.redis("--unixsocket", directory.file("redis.sock"))
        #expect(try await self.ping("{\"url\":\"unix://\(directory.file("redis.sock"))\"}") == "PONG")
        try await server.stop()
        #expect(await self.failure("{\"url\":\"unix://\(directory.file("redis.sock"))\"}")?.code == .connectionRefused)
    }

    @Test func `TLS checks the server's certificate`() async throws {
        let directory = try TemporaryDirectory()
        let make = try ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", directory.file("key.pem"), "-out",
                directory.file("cert.pem"),
            ]
        )
        guard try await make.untilEnded() == .exited(0) else { throw PeerError(make.standardError) }
        let server = try await BrokerProcess.redis(
            "--port", "0", "--tls-port", "{port}", "--tls-cert-file", directory.file("cert.pem"), "--tls-key-file",
            directory.file("key.pem"), "--tls-ca-cert-file", directory.file("cert.pem"), "--tls-auth-clients", "no"
        )
        let url = "\"url\":\"rediss://localhost:\(server.port)\""
        #expect(try await self.ping("{\(url),\"tls\":{\"ca_file\":\"\(directory.file("cert.pem"))\"}}") == "PONG")
        #expect(try await self.ping("{\(url),\"tls\":{\"insecure\":true}}") == "PONG")
        #expect(await self.failure("{\(url)}")?.isRetryable == true, "the system knows no such authority")
    }

    @Test func `a server that cannot be reached is reported in the system's words`() async throws {
        let server = try await BrokerProcess.redis()
        let url = "redis://127.0.0.1:\(server.port)"
        try await server.stop()
        #expect(
            await self.failure("{\"url\":\"\(url)\"}")?.description
                == "\(url) cannot be reached: Connection refused; check host and port, and that the server runs")
        let unknown = await self.failure(#"{"url":"redis://no.such.host.invalid:1"}"#)?.description
        #expect(unknown?.hasPrefix("redis://no.such.host.invalid:1 cannot be reached: ") == true)
        #expect(unknown?.contains("(") == false)
    }

    @Test func `a peer that speaks something else is reported`() async throws {
        let peer = try await HTTPPeer.start()
        let failure = await self.failure("{\"url\":\"redis://127.0.0.1:\(peer.port)/1\"}")
        #expect(failure?.code == .protocolViolation || failure?.code == .connectionLost)
    }

    @Test(arguments: [
        (
            "{\"url\":\"http://h\"}",
            "not a Redis URL; write redis://[user:password@]host[:6379][/database], rediss://…, unix:///path, "
                + "redis+sentinel://host[:26379],…/master[/database] or redis+cluster://host[:6379],…"
        ),
        ("{\"url\":\"redis://h\",\"user\":\"a\"}", "a user needs a password; set password"),
        ("{\"url\":\"redis://h\",\"tls\":{}}", "tls applies to rediss:// only; the url is redis://h:6379"),
        ("{\"url\":\"rediss://h\",\"tls\":{\"cert_file\":\"a\"}}", "cert_file and key_file belong together; set both or neither"),
        (
            #"{"url":"redis://h","sentinel":{"password":"a"}}"#,
            "sentinel applies to redis+sentinel:// only; the url is redis://h:6379"
        ),
        (
            #"{"url":"redis+cluster://h","sentinel":{"tls":{}}}"#,
            "sentinel applies to redis+sentinel:// only; the url is redis+cluster://h:6379"
        ),
        (#"{"url":"redis+sentinel://h/m","sentinel":{}}"#, "is empty; set user, password or tls, or leave it out"),
        (#"{"url":"redis+sentinel://h/m","sentinel":{"user":"a"}}"#, "a user needs a password; set password"),
        (
            #"{"url":"redis+sentinel://h/m","sentinel":{"passwort":"a"}}"#,
            "unknown key 'passwort'; did you mean 'password'?"
        ),
        (
            #"{"url":"redis+sentinel://h/m","sentinel":{"tls":{"key_file":"a"}}}"#,
            "key_file needs cert_file beside it"
        ),
        (
            #"{"url":"redis+sentinel://h/m","sentinel":{"tls":{"cert_file":"a"}}}"#,
            "cert_file and key_file belong together; set both or neither"
        ),
        (
            #"{"url":"redis+sentinel://h/m","tls":{},"sentinel":{"tls":{}}}"#,
            "tls applies to rediss:// only; the url is redis+sentinel://h:26379/m"
        ),
    ])
    func `settings that would be ignored are refused`(json: String, message: String) {
        #expect { try self.settings(json) } throws: { ($0 as? SettingError)?.message == message }
    }

    /// Decodes the settings that all Redis components share.
    private struct Holder: Decodable {
        let settings: RedisSettings

        init(from decoder: any Decoder) throws {
            self.settings = try RedisSettings(settings: decoder)
        }
    }
}
