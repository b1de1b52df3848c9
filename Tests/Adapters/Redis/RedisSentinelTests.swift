import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Sentinels of real servers.
@Suite(.timeLimit(.minutes(2)))
struct RedisSentinelTests {
    private static let group = #""group":"g","start":"0","block":"50ms""#

    @Test func `a failover is followed`() async throws {
        let master = try await BrokerProcess.redis()
        let replica = try await BrokerProcess.redis("--replicaof", "127.0.0.1 \(master.port)")
        let process = try await RedisSentinel.start(master: master.port)
        let port = process.port
        let sentinel = try await RedisPeer.connect(port: port)
        try await eventually("the sentinel knows the replica") {
            try await sentinel.command("SENTINEL", "replicas", "m").items.count == 1
        }
        let harness = try SourceHarness.stream(0, Self.group, url: "redis+sentinel://127.0.0.1:\(port)/m")
        try await harness.run {
            try await RedisPeer.connect(port: master.port).add("a")
            try await eventually("the first has arrived") { harness.texts == ["a"] }
            try await eventually(within: .seconds(40), "the sentinel fails over") {
                do {
                    try await sentinel.command("SENTINEL", "FAILOVER", "m")
                    return true
                } catch {
                    return false
                }
            }
            // A server that changes its role closes its clients' connections.
            try await eventually(within: .seconds(40), "the replica is master") {
                do {
                    return try await RedisPeer.connect(port: replica.port).command("ROLE").items.first?.text == "master"
                } catch {
                    return false
                }
            }
            let after = try await RedisPeer.connect(port: replica.port)
            try await after.add("b")
            try await eventually(within: .seconds(40), "the second has arrived, not \(harness.status.lastError ?? "")") {
                harness.texts.contains("b")
            }
        }
        #expect(harness.texts.sorted().last == "b")
        withExtendedLifetime(process) {}
    }

    @Test func `sentinels that know no such master are reported`() async throws {
        let reserved = try LastingPort()
        let port = reserved.number
        let harness = try SourceHarness.stream(0, Self.group, url: "redis+sentinel://127.0.0.1:\(port)/m")
        var text = ""
        try await harness.run(untilConnected: false) {
            try await eventually("the failure is reported") { !harness.log.errors.isEmpty }
            text = harness.log.errors[0]
        }
        #expect(text.contains("no sentinel names the master of redis+sentinel://127.0.0.1:\(port)/m: "), "\(text)")
    }

    /// Runs a source until it fails with an error that says so.
    private func expectFailure(
        _ expected: String, _ port: Int, _ settings: String, host: String = "127.0.0.1"
    ) async throws {
        let harness = try SourceHarness.stream(0, Self.group + settings, url: "redis+sentinel://\(host):\(port)/m")
        try await harness.run(untilConnected: false) {
            try await eventually("the failure is reported, not: \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains(expected) }
            }
        }
        let text = harness.log.errors.joined()
        #expect(!text.contains("of-master") && !text.contains("of-sentinel"), "no password is reported")
    }

    @Test func `sentinels have a password of their own`() async throws {
        let master = try await BrokerProcess.redis("--requirepass", "of-master")
        let sentinel = try await RedisSentinel.start(
            master: master.port, ["requirepass of-sentinel", "sentinel auth-pass m of-master"], password: "of-sentinel"
        )
        let login = #","password":"of-master""#
        let harness = try SourceHarness.stream(
            0, Self.group + login + #","sentinel":{"password":"of-sentinel"}"#,
            url: "redis+sentinel://127.0.0.1:\(sentinel.port)/m"
        )
        try await harness.run {
            try await RedisPeer.connect(port: master.port, password: "of-master").add("a")
            try await eventually("it has arrived") { harness.texts == ["a"] }
        }
        let peer = "redis://127.0.0.1:\(sentinel.port)"
        let missing = ": \(peer) answers: NOAUTH Authentication required. Set sentinel: { password: … }"
        try await self.expectFailure(missing, sentinel.port, login)
        let wrong = login + #","sentinel":{"password":"of-master"}"#
        try await self.expectFailure(": \(peer) does not accept the password: WRONGPASS", sentinel.port, wrong)
    }

    @Test func `a user that may only query the master is sufficient`() async throws {
        let master = try await BrokerProcess.redis()
        let sentinel = try await RedisSentinel.start(
            master: master.port,
            ["user default off", "user bridge on >secret -@all +sentinel|get-master-addr-by-name"],
            username: "bridge", password: "secret"
        )
        let harness = try SourceHarness.stream(
            0, Self.group + #","sentinel":{"user":"bridge","password":"secret"}"#,
            url: "redis+sentinel://127.0.0.1:\(sentinel.port)/m"
        )
        try await harness.run {
            try await RedisPeer.connect(port: master.port).add("a")
            try await eventually("it has arrived") { harness.texts == ["a"] }
        }
        let wrong = #","sentinel":{"user":"other","password":"secret"}"#
        try await self.expectFailure(" does not accept the password: WRONGPASS", sentinel.port, wrong)
    }

    @Test func `sentinels have TLS of their own, with a client's certificate`() async throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = (directory.file("cert.pem"), directory.file("key.pem"))
        let make = try ChildProcess(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ]
        )
        guard try await make.untilEnded() == .exited(0) else { throw PeerError(make.standardError) }
        let master = try await BrokerProcess.redis()
        let sentinel = try await RedisSentinel.start(
            master: master.port,
            [
                "port 0", "tls-port {port}", "tls-cert-file \(certificate)", "tls-key-file \(key)",
                "tls-ca-cert-file \(certificate)", "tls-auth-clients yes",
            ]
        )
        let files = "\"ca_file\":\"\(certificate)\",\"cert_file\":\"\(certificate)\",\"key_file\":\"\(key)\""
        let harness = try SourceHarness.stream(
            0, Self.group + ",\"sentinel\":{\"tls\":{\(files)}}", url: "redis+sentinel://localhost:\(sentinel.port)/m"
        )
        try await harness.run {
            try await RedisPeer.connect(port: master.port).add("a")
            try await eventually("it has arrived") { harness.texts == ["a"] }
        }
        try await self.expectFailure(
            "an unknown authority", sentinel.port, #","sentinel":{"tls":{}}"#, host: "localhost")
        try await self.expectFailure(" redis://localhost:\(sentinel.port) ", sentinel.port, "", host: "localhost")
        try await self.expectFailure(
            "the TLS files for redis+sentinel://localhost:\(sentinel.port)/m cannot be used", sentinel.port,
            #","sentinel":{"tls":{"ca_file":"/nowhere"}}"#, host: "localhost"
        )
    }

    @Test func `every Redis component accepts a login for the sentinels`() throws {
        let common = #"{"url":"redis+sentinel://a/m","sentinel":{"user":"u","password":"p","tls":{}}"#
        let decoder = JSONDecoder()
        let settings = [
            try decoder.decode(RedisSource.Configuration.self, from: Data(#"\#(common),"channels":["a"]}"#.utf8)).redis,
            try decoder.decode(RedisSink.Configuration.self, from: Data(#"\#(common),"channel":"a"}"#.utf8)).redis,
            try decoder.decode(RedisStreamSource.Configuration.self, from: Data(#"\#(common),"stream":"a"}"#.utf8)).redis,
            try decoder.decode(RedisStreamSink.Configuration.self, from: Data(#"\#(common),"stream":"a"}"#.utf8)).redis,
        ]
        for settings in settings {
            #expect(settings.sentinel.login.user == "u")
            #expect(settings.sentinel.login.password?.value == "p")
            #expect(settings.login.password == nil, "the master's login is another")
            let sentinel = RedisSettings.Address.tcp(host: "a", port: 26_379, isTLS: true)
            #expect(settings.location == .sentinels([sentinel], master: "m", isTLS: false))
        }
    }
}
