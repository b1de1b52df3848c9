import BridgeConfiguration
import BridgeTesting
import FoundationEssentials
import Glibc
import Testing

@testable import StreamBridge

/// `check --connect` against real peers.
@Suite(.timeLimit(.minutes(2)))
struct ConnectionCheckTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// Checks a file whose listener takes any port, with these sources and sinks.
    private func check(
        sources: [String] = [], sinks: [String] = [], listen: String = "127.0.0.1:0", _ options: String...
    ) async throws -> (code: Int32, lines: [String], error: String) {
        var text = "http: { listen: \"\(listen)\" }\n"
        let sources = sources.isEmpty ? ["other: { type: webhook, id: other, token: \"hunter2hunter2\" }"] : sources
        let sinks = sinks.isEmpty ? ["other: { type: file, path: /dev/null }"] : sinks
        text += "sources:\n" + sources.map { "  \($0)\n" }.joined()
        text += "sinks:\n" + sinks.map { "  \($0)\n" }.joined()
        let names = sinks.map { String($0.prefix { $0 != ":" }) }
        text += "routes: [{ to: [\(names.joined(separator: ", "))] }]\n"
        let path = try self.directory.write(text, to: "bridges.yaml")
        let (code, output, error) = try await BridgeProcess.command(["check", path, "--connect"] + options)
        return (code, output.split(separator: "\n").dropFirst().map(String.init), error)
    }

    /// A broker that knows the user `me` with the password `right` only.
    private func guardedBroker() async throws -> BrokerProcess {
        let file = self.directory.file("passwords")
        let made = try ChildProcess("mosquitto_passwd", ["-b", "-c", file, "me", "right"])
        #expect(try await made.untilEnded() == .exited(0))
        return try await .mosquitto("allow_anonymous false", "password_file \(file)")
    }

    @Test func `peers that can be used are listed with what was found`() async throws {
        let broker = try await self.guardedBroker()
        let redis = try await BrokerProcess.redis()
        let stream = try await SSEServerPeer.start()
        let receiver = try await HTTPPeer.start()
        receiver.answer(with: .init(405))
        let login = "url: \"mqtt://127.0.0.1:\(broker.port)\", user: me, password: right, client_id: ours"
        let server = "url: \"redis://127.0.0.1:\(redis.port)\""
        let (code, lines, error) = try await self.check(
            sources: [
                "home: { type: mqtt, \(login), subscribe: [a/#, b] }",
                "chat: { type: redis, \(server), channels: [c] }",
                "work: { type: redis, \(server), lists: [l] }",
                "log: { type: redis-stream, \(server), stream: s, group: g }",
                "news: { type: sse, url: \"\(stream.url())?key=hidden\" }",
            ],
            sinks: [
                "out: { type: mqtt, \(login.replacing("ours", with: "ours-out")), topic: t }",
                "channel: { type: redis, \(server), channel: c }",
                "entries: { type: redis-stream, \(server), stream: new }",
                "hook: { type: webhook, url: \"\(receiver.url("/x"))\" }",
                "file: { type: file, path: \"\(self.directory.file("new"))\" }",
            ])
        #expect(code == 0, "\(error)\(lines)")
        let (mqtt, host) = ("mqtt://127.0.0.1:\(broker.port)", "redis://127.0.0.1:\(redis.port)")
        #expect(
            lines == [
                "ok         sources.home: \(mqtt) grants the subscription to a/#, b",
                "ok         sources.chat: \(host) may read c",
                "ok         sources.work: \(host) may read l",
                "ok         sources.log: \(host) may read s; the group g is created at the start",
                "ok         sources.news: \(stream.url()) is a stream of events",
                "ok         sinks.out: \(mqtt) connected; nothing was published",
                "ok         sinks.channel: \(host) may publish to c; nothing was published",
                "ok         sinks.entries: \(host) may write new",
                "ok         sinks.hook: \(receiver.url("")) answers 405 Method Not Allowed to OPTIONS; no event was sent",
                "ok         sinks.file: \(self.directory.file("new")) may be created",
            ])
        // Nothing remains at the peers.
        let client = try await RedisPeer.connect(port: redis.port)
        #expect(try await client.command("DBSIZE").integer == 0)
        #expect(receiver.requests.map(\.method) == ["OPTIONS"])
        #expect(!broker.log.contains("as ours"), "\(broker.log)")
        #expect(broker.log.contains("as streambridge-check-"))
        #expect(!broker.log.contains("PUBLISH"))
        #expect(access(self.directory.file("new"), F_OK) != 0)
    }

    @Test func `wrong logins and missing rights are named with the remedy`() async throws {
        let broker = try await self.guardedBroker()
        let redis = try await BrokerProcess.redis()
        let client = try await RedisPeer.connect(port: redis.port)
        _ = try await client.command(
            "ACL", "SETUSER", "poor", "on", ">pass", "+@all", "resetkeys", "~mine", "resetchannels", "&mine")
        _ = try await client.command("SET", "mine", "text")
        let (mqtt, host) = ("mqtt://127.0.0.1:\(broker.port)", "redis://127.0.0.1:\(redis.port)")
        let poor = "url: \"\(host)\", user: poor, password: pass"
        let (code, lines, _) = try await self.check(
            sources: [
                "none: { type: mqtt, url: \"\(mqtt)\", subscribe: a }",
                "wrong: { type: mqtt, url: \"\(mqtt)\", user: me, password: hunter2hunter2, subscribe: a, protocol: 3.1.1 }",
                "login: { type: redis, url: \"\(host)\", user: poor, password: hunter2hunter2, channels: [mine] }",
                "channel: { type: redis, \(poor), channels: [other] }",
                "list: { type: redis, \(poor), lists: [mine] }",
                "stream: { type: redis-stream, \(poor), stream: other }",
            ],
            sinks: [
                "channel: { type: redis, \(poor), channel: other }",
                "key: { type: redis-stream, \(poor), stream: other }",
                "type: { type: redis-stream, \(poor), stream: mine }",
            ])
        #expect(code == 1)
        let expected = [
            "sources.none: \(mqtt) does not authorise us to connect (reason code 135: Not authorized); check user, password",
            "sources.wrong: \(mqtt) does not authorise us to connect; check user, password and the broker's rules",
            "sources.login: \(host) does not accept the password: WRONGPASS",
            "sources.channel: \(host) answers: NOPERM",
            "sources.list: \(host) has a string at 'mine', and a list is needed; name another key, or delete this one",
            "sources.stream: \(host) answers: NOPERM",
            "sinks.channel: \(host) answers: NOPERM",
            "sinks.key: \(host) answers: NOPERM",
            "sinks.type: \(host) has a string at 'mine', and a stream is needed; name another key, or delete this one",
        ]
        #expect(lines.count == expected.count)
        for (line, start) in zip(lines, expected) {
            #expect(line.hasPrefix("failed     \(start)"), "\(line)")
            #expect(line.contains("; ") && !line.contains("hunter2"), "\(line)")
        }
    }

    @Test func `a port of another protocol is named with the remedy`() async throws {
        let certificates = try await Certificates.make()
        let plain = try await BrokerProcess.mosquitto()
        let secure = try await BrokerProcess.mosquitto(
            "certfile \(certificates.server)", "keyfile \(certificates.serverKey)")
        let redis = try await BrokerProcess.redis()
        let web = try await HTTPPeer.start()
        let nobody = try LastingPort()
        let (code, lines, _) = try await self.check(
            sources: [
                "m1: { type: mqtt, url: \"mqtt://127.0.0.1:\(web.port)\", subscribe: a }",
                "m2: { type: mqtt, url: \"mqtts://127.0.0.1:\(plain.port)\", subscribe: a }",
                "m3: { type: mqtt, url: \"mqtt://127.0.0.1:\(secure.port)\", subscribe: a }",
                "m4: { type: mqtt, url: \"mqtts://localhost:\(secure.port)\", subscribe: a }",
                "m5: { type: mqtt, url: \"mqtts://127.0.0.1:\(secure.port)\", tls: { ca_file: \"\(certificates.authority)\" }, subscribe: a }",
                "m6: { type: mqtt, url: \"mqtt://127.0.0.1:\(nobody.number)\", subscribe: a }",
                "m7: { type: mqtt, url: \"mqtt://127.0.0.1:\(redis.port)\", subscribe: a }",
                "r1: { type: redis, url: \"redis://127.0.0.1:\(web.port)\", channels: [a] }",
                "r2: { type: redis, url: \"rediss://127.0.0.1:\(redis.port)\", channels: [a], connect_timeout: 1s }",
                "r3: { type: redis, url: \"redis://127.0.0.1:\(nobody.number)\", channels: [a] }",
                "r4: { type: redis, url: \"redis://127.0.0.1:\(plain.port)\", channels: [a] }",
                "s1: { type: sse, url: \"http://127.0.0.1:\(redis.port)/\" }",
                "s2: { type: sse, url: \"http://127.0.0.1:\(plain.port)/\" }",
                "s3: { type: sse, url: \"https://127.0.0.1:\(web.port)/\" }",
                "s4: { type: sse, url: \"http://127.0.0.1:\(nobody.number)/\" }",
                "s5: { type: sse, url: \"\(web.url())\" }",
                "s6: { type: sse, url: \"http://no-such-host.invalid/\" }",
            ],
            sinks: ["h1: { type: webhook, url: \"https://127.0.0.1:\(web.port)/\" }"])
        #expect(code == 1 && lines.count == 18, "\(lines)")
        #expect(lines.allSatisfy { $0.hasPrefix("failed ") }, "\(lines)")
        let words: [String: String] = [
            "sources.m1": "it speaks HTTP; write the broker's port for MQTT",
            "sources.m2": "it closed the connection, as a port for mqtt:// does; write mqtt:// or another port",
            "sources.m3": "the port may require TLS (mqtts://)",
            "sources.m4": "name the certificate of the broker's authority with tls.ca_file",
            "sources.m5": "write a host in the url that the certificate names",
            "sources.m6": "cannot be reached: Connection refused; check host and port, and that the server runs",
            "sources.m7": "; check that host and port are those of this service",
            "sources.r1": "it speaks HTTP; write the port of the Redis server",
            "sources.r2": "if the port does not speak TLS, write redis://",
            "sources.r3": "cannot be reached: Connection refused; check host and port, and that the server runs",
            "sources.r4": "the port may belong to another service",
            "sources.s1": "the port may require TLS (https://) or belong to another service",
            "sources.s2": "the port may require TLS (https://) or belong to another service",
            "sources.s3": "the port does not speak TLS; write http:// or another port",
            "sources.s4": "; check host and port, and that the server runs",
            "sources.s5": "text/event-stream was expected; write the address of the stream itself",
            "sources.s6": "; check the spelling of the host, and the DNS of this machine",
            "sinks.h1": "the port does not speak TLS; write http:// or another port",
        ]
        for line in lines {
            let name = String(line.dropFirst(11).prefix { $0 != ":" })
            #expect(line.contains(words[name] ?? "?"), "\(line)")
        }
    }

    @Test func `a peer that says nothing does not hold up the others`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let redis = try await BrokerProcess.redis()
        let web = try await SSEServerPeer.start()
        let silent = "127.0.0.1:\(broker.port)"
        broker.freeze()
        defer { broker.thaw() }
        let clock = ContinuousClock()
        let start = clock.now
        let (code, lines, _) = try await self.check(
            sources: [
                "m: { type: mqtt, url: \"mqtt://\(silent)\", subscribe: a }",
                "r: { type: redis, url: \"redis://\(silent)\", channels: [a] }",
                "s: { type: sse, url: \"http://\(silent)/\" }",
                "ok: { type: redis, url: \"redis://127.0.0.1:\(redis.port)\", channels: [a] }",
                "too: { type: sse, url: \"\(web.url())\" }",
            ], sinks: ["mail: { type: smtp, url: \"smtp://\(silent)\", from: a@example.org, to: b@example.org }"],
            "--timeout", "1")
        #expect(code == 1 && clock.now - start < .seconds(10))
        let reason =
            "did not answer within 1 s; check that host and port are those of this service, and that no firewall is in between, or raise --timeout"
        #expect(lines.count == 6, "\(lines)")
        for line in lines {
            #expect(line.hasPrefix("ok ") != line.hasSuffix(reason), "\(line)")
        }
        #expect(lines.filter { $0.hasPrefix("ok ") }.count == 2)
    }

    @Test func `JSON lists every result`() async throws {
        struct Finding: Decodable { let severity: String, rule: String, path: String?, message: String }
        let nobody = try LastingPort()
        let path = try self.directory.write(
            """
            http: { listen: "127.0.0.1:0" }
            sources: { in: { type: redis, url: "redis://127.0.0.1:\(nobody.number)", channels: [a] } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]

            """, to: "b.yaml")
        let found = try await BridgeProcess.command("check", path, "--connect", "--strict", "--format", "json")
        #expect(found.code == 1 && found.error.isEmpty)
        let findings = try JSONDecoder().decode([Finding].self, from: Data(found.output.utf8))
        #expect(findings.map(\.severity) == ["error", "note"] && findings.map(\.rule) == ["connection", "connection"])
        #expect(findings.map(\.path) == ["sources.in", "sinks.out"])
        #expect(findings.last?.message == "ok: /dev/null may be written")
    }

    @Test func `a listener's port is free, in use by the program or in use by another one`() async throws {
        let port = try LastingPort()
        let free = try await self.check(listen: "127.0.0.1:\(port.number)")
        #expect(free.code == 0)
        #expect(free.lines.first == "ok         http.listen: 127.0.0.1:\(port.number) is free to listen on")
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello, token: "hunter2hunter2" } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]
            """)
        let ours = try await self.check(listen: "127.0.0.1:\(bridge.port)")
        #expect(ours.code == 0)
        #expect(ours.lines.first == "ok         http.listen: 127.0.0.1:\(bridge.port) is in use by a running streambridge")
        let web = try await HTTPPeer.start()
        let theirs = try await self.check(listen: "127.0.0.1:\(web.port)")
        #expect(theirs.code == 1)
        #expect(
            theirs.lines.first
                == "failed     http.listen: the HTTP server cannot listen on 127.0.0.1:\(web.port): Address already in use; another program uses the port; stop it, or change http.listen"
        )
    }

    @Test func `a webhook is asked with the credentials of the file`() async throws {
        let receiver = try await HTTPPeer.start()
        receiver.answer { .init($0.headers["x-api-key"] == "right" ? 204 : 401) }
        let url = "url: \"\(receiver.url("/x"))\""
        let (code, lines, _) = try await self.check(
            sinks: [
                "right: { type: webhook, \(url), headers: { X-Api-Key: right } }",
                "wrong: { type: webhook, \(url), headers: { X-Api-Key: hunter2hunter2 } }",
                "event: { type: webhook, \(url), headers: { X-Api-Key: \"{{ .payload.key }}\" } }",
            ])
        let peer = "http://127.0.0.1:\(receiver.port)"
        #expect(code == 1)
        #expect(
            lines == [
                "ok         sinks.right: \(peer) answers 204 No Content to OPTIONS; no event was sent",
                "failed     sinks.wrong: \(peer) answered 401 Unauthorized; check token, user, password and headers",
                "ok         sinks.event: \(peer) answers 401 Unauthorized to OPTIONS; no event was sent",
            ])
    }

    @Test func `a mail server is asked without a mail`() async throws {
        var options = SMTPPeer.Options()
        let certificates = try await Certificates.make()
        options.certificate = (certificates.server, certificates.serverKey)
        options.needsLogin = true
        let server = try await SMTPPeer.start(options)
        let address = "url: \"smtp://localhost:\(server.port)\", from: a@example.org, to: b@example.org"
        let trust = "tls: { ca_file: \"\(certificates.authority)\" }"
        let (code, lines, _) = try await self.check(
            sinks: [
                "right: { type: smtp, \(address), user: ann, password: right, \(trust) }",
                "wrong: { type: smtp, \(address), user: ann, password: hunter2hunter2, \(trust) }",
                "other: { type: smtp, \(address), user: ann, password: right }",
            ])
        #expect(code == 1 && lines.count == 3, "\(lines)")
        let peer = "smtp://localhost:\(server.port)"
        #expect(lines.first == "ok         sinks.right: \(peer) accepts user and password; no mail was sent")
        #expect(lines.dropFirst().first?.hasPrefix("failed     sinks.wrong: \(peer) refuses the login") == true, "\(lines)")
        #expect(lines.last?.hasSuffix("name that authority's certificate with tls.ca_file") == true, "\(lines)")
        #expect(try server.mails.isEmpty)
    }

    @Test func `a time-out out of bounds is refused`() async throws {
        let found = try await self.check("--timeout", "61")
        #expect(found.code == 64 && found.error.contains("--timeout must be 1 to 60"))
    }

    @Test(
        arguments: [
            (ProbeResult.Verdict.ok, "ok         sinks.a: fine", "ok: fine", Diagnostic.Severity.note),
            (.failed, "failed     sinks.a: fine", "fine", .error),
            (.notProbed, "not probed sinks.a: fine", "not probed: fine", .note),
        ])
    func `a result is one line, and one diagnostic`(
        verdict: ProbeResult.Verdict, line: String, message: String, severity: Diagnostic.Severity
    ) {
        let result = ProbeResult(verdict: verdict, component: "sinks.a", message: "fine")
        #expect(result.line == line)
        #expect(
            result.diagnostic(of: "f")
                == Diagnostic(severity: severity, rule: .connection, file: "f", path: "sinks.a", message: message))
    }
}
