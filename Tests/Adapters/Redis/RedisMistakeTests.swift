import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import NIOPosix
import Testing

@testable import RedisAdapter

/// Addresses and certificates that are wrong: what the failure says.
@Suite(.timeLimit(.minutes(2)))
struct RedisMistakeTests {
    private struct Holder: Decodable {
        let settings: RedisSettings

        init(from decoder: any Decoder) throws {
            self.settings = try RedisSettings(settings: decoder)
        }
    }

    private static func failure(_ url: String, _ more: String = "") async throws -> String {
        let json = "{\"url\":\"\(url)\"\(more)}"
        let settings = try JSONDecoder().decode(Holder.self, from: Data(json.utf8)).settings
        do {
            let connection = try await RedisConnection.open(
                settings, group: MultiThreadedEventLoopGroup.singleton, name: "a test")
            defer { connection.close() }
            try RedisFailure.check(try await connection.command("PING"), connection.peer)
            return "connected"
        } catch {
            return "\(error)"
        }
    }

    /// A server with TLS whose certificate is for a name and valid in a time.
    private static func secure(
        _ directory: TemporaryDirectory, name: String = "localhost", from start: String = "20200101000000Z",
        to end: String = "21000101000000Z"
    ) async throws -> BrokerProcess {
        try directory.write(
            """
            set -e
            cd "$1"
            openssl ecparam -name prime256v1 -genkey -noout -out ca.key
            openssl req -x509 -new -key ca.key -days 2 -subj /CN=authority -out ca.pem
            openssl ecparam -name prime256v1 -genkey -noout -out server.key
            openssl req -new -key server.key -subj /CN=server -out server.csr
            echo "subjectAltName=DNS:$2" > server.ext
            : > index
            echo 01 > serial
            printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > ca.cnf
            openssl ca -config ca.cnf -batch -cert ca.pem -keyfile ca.key -in server.csr -out server.pem -notext \\
                -startdate "$3" -enddate "$4" -extfile server.ext
            """, to: "make")
        let make = try ChildProcess("/bin/sh", [directory.file("make"), directory.path, name, start, end])
        guard try await make.untilEnded() == .exited(0) else { throw PeerError(make.standardError) }
        return try await BrokerProcess.redis(
            "--port", "0", "--tls-port", "{port}", "--tls-cert-file", directory.file("server.pem"), "--tls-key-file",
            directory.file("server.key"), "--tls-ca-cert-file", directory.file("ca.pem"), "--tls-auth-clients", "no"
        )
    }

    @Test func `TLS at a port without it, and none at a port with it, are named with the remedy`() async throws {
        let plain = try await BrokerProcess.redis()
        let silent = try await Self.failure("rediss://127.0.0.1:\(plain.port)", #","connect_timeout":"500ms""#)
        #expect(silent.hasPrefix("TLS with rediss://127.0.0.1:\(plain.port) failed: "))
        #expect(silent.hasSuffix("if the port does not speak TLS, write redis://"), "\(silent)")
        let directory = try TemporaryDirectory()
        let secure = try await Self.secure(directory)
        let closed = try await Self.failure("redis://127.0.0.1:\(secure.port)")
        #expect(closed.contains("if it requires TLS, write rediss://"), "\(closed)")
    }

    @Test(arguments: [
        ("localhost", "20200101000000Z", "20210101000000Z", "the certificate of the server has expired; renew it there"),
        ("localhost", "20900101000000Z", "21000101000000Z", "is not valid yet; compare the clocks"),
        ("other.example", "20200101000000Z", "21000101000000Z", "the certificate is for another name; write a host"),
    ])
    func `a certificate that is not trusted is named with the reason`(
        name: String, start: String, end: String, reason: String
    ) async throws {
        let directory = try TemporaryDirectory()
        let server = try await Self.secure(directory, name: name, from: start, to: end)
        let text = try await Self.failure(
            "rediss://localhost:\(server.port)", #","tls":{"ca_file":"\#(directory.file("ca.pem"))"}"#)
        #expect(text.hasPrefix("TLS with rediss://localhost:\(server.port) failed: ") && text.contains(reason), "\(text)")
    }

    @Test func `an unknown authority is reported with the remedy`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await Self.secure(directory)
        let text = try await Self.failure("rediss://localhost:\(server.port)")
        #expect(text.contains("from an unknown authority; name that authority's certificate with tls.ca_file"))
        #expect(!text.contains("BoringSSL") && !text.contains(".cc:"), "\(text)")
    }

    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks HTTP; write the port of the Redis server"),
        ("<!DOCTYPE HTML>", "it speaks HTTP; write the port of the Redis server"),
        ("\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{28}", "it speaks TLS; write rediss://"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "it speaks SSH; write the port of the Redis server"),
    ])
    func `another service at the port is recognised`(answer: String, reason: String) async throws {
        let server = try await ScriptedRedis.start { _ in .text(answer) }
        #expect(try await Self.failure(server.url) == "\(server.url) does not speak Redis: \(reason)")
    }

    @Test func `a missing or unnecessary password is reported with the remedy`() async throws {
        let locked = try await BrokerProcess.redis("--requirepass", "right")
        #expect(
            try await Self.failure("redis://127.0.0.1:\(locked.port)").hasSuffix("; set password, and user where there is one"))
        let open = try await BrokerProcess.redis()
        let needless = try await Self.failure("redis://:x@127.0.0.1:\(open.port)")
        #expect(needless.hasSuffix("; the server has no password, so leave it out"), "\(needless)")
    }

    @Test(arguments: [
        ("redis://h/abc", "'abc' is not the number of a database; write redis://"),
        ("localhost:6379", "not a Redis URL; write redis://"),
        ("redis://h:99999", "'99999' is not a port, 1 to 65535; write"),
        ("redis://u:pw@h:x/0", "'x' is not a port, 1 to 65535; write"),
        ("redis:/h", "not a Redis URL; write"),
    ])
    func `an impossible address is refused with the reason`(url: String, reason: String) async throws {
        let error = await #expect(throws: SettingError.self) { try await Self.failure(url) }
        #expect(error?.message.hasPrefix(reason) == true, "\(error?.message ?? "")")
    }
}
