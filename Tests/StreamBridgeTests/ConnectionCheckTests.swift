import BridgeTesting
import FoundationEssentials
import Testing

/// `check --connect` with real peers.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionCheckTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// Checks a file with these components, and returns the line of each by its place.
    private func check(
        sources: [String: String] = [:], sinks: [String: String] = [:], _ options: String...
    ) async throws -> (code: Int32, lines: [String: String]) {
        var sources = sources
        var sinks = sinks
        if sources.isEmpty { sources["unused"] = "{ type: webhook, id: unused }" }
        if sinks.isEmpty { sinks["unused"] = "{ type: sse, stream: unused }" }
        func block(_ components: [String: String]) -> String {
            components.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }.joined(separator: "\n")
        }
        let path = try self.directory.write(
            "sources:\n\(block(sources))\nsinks:\n\(block(sinks))\nroutes: [{ to: [\(sinks.keys.sorted().joined(separator: ", "))] }]\n",
            to: "bridges.yaml")
        let (code, output, _) = try await BridgeProcess.command(["check", "--connect", path] + options)
        var lines: [String: String] = [:]
        for line in output.split(separator: "\n").dropFirst() {
            let verdict = line.prefix(11).split(separator: " ").joined(separator: " ")
            guard let end = line.firstRange(of: ": ") else { continue }
            let place = line[line.index(line.startIndex, offsetBy: 11)..<end.lowerBound]
            lines[String(place)] = "\(verdict): \(line[end.upperBound...])"
        }
        return (code, lines)
    }

    @Test func `a broker is tried with the file's credentials and filters`() async throws {
        let passwords = try self.directory.write("ann:secret\n", to: "passwords")
        let hashed = try ChildProcess("/usr/bin/mosquitto_passwd", ["-U", passwords])
        #expect(hashed.waitUntilEnded() == .exited(0))
        let broker = try await BrokerProcess.mosquitto("allow_anonymous false", "password_file \(passwords)")
        let url = "url: 'mqtt://127.0.0.1:\(broker.port)'"
        let (code, lines) = try await self.check(
            sources: [
                "right": "{ type: mqtt, \(url), user: ann, password: secret, subscribe: [home/#, other/+] }",
                "wrong": "{ type: mqtt, \(url), user: ann, password: wrong, protocol: 3.1.1, subscribe: home/# }",
                "secure": "{ type: mqtt, url: 'mqtts://127.0.0.1:\(broker.port)', subscribe: home/# }",
            ], sinks: ["out": "{ type: mqtt, \(url), user: ann, password: secret, topic: x }"])
        let peer = "mqtt://127.0.0.1:\(broker.port)"
        #expect(code == 1)
        #expect(lines["sources.right"] == "ok: \(peer) grants home/#, other/+")
        #expect(
            lines["sources.wrong"]
                == "failed: \(peer) does not authorise us to connect; check user, password and the broker's rules")
        #expect(
            lines["sources.secure"]
                == "failed: TLS with mqtts://127.0.0.1:\(broker.port) failed: it closed the connection, as a port for mqtt:// does; write mqtt:// or another port"
        )
        #expect(lines["sinks.out"] == "ok: \(peer) connected; nothing was published")
    }

    @Test func `a server is tried with commands that change nothing`() async throws {
        let redis = try await BrokerProcess.redis("--requirepass", "secret")
        let peer = try await RedisPeer.connect(port: redis.port, password: "secret")
        _ = try await peer.command("SET", "text", "x")
        _ = try await peer.command("XADD", "orders", "*", "a", "b")
        _ = try await peer.command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "+@read", "+select")
        let url = "url: 'redis://:secret@127.0.0.1:\(redis.port)'"
        let server = "redis://127.0.0.1:\(redis.port)"
        let (code, lines) = try await self.check(
            sources: [
                "channels": "{ type: redis, \(url), channels: [a, b] }",
                "group": "{ type: redis-stream, \(url), stream: orders, group: workers }",
                "text": "{ type: redis-stream, \(url), stream: text }",
                "login": "{ type: redis, url: 'redis://:wrong@127.0.0.1:\(redis.port)', channels: a }",
            ],
            sinks: [
                "orders": "{ type: redis-stream, \(url), stream: orders }",
                "reader": "{ type: redis-stream, url: 'redis://reader:pw@127.0.0.1:\(redis.port)', stream: orders }",
            ])
        #expect(code == 1)
        #expect(lines["sources.channels"] == "ok: \(server) may read a, b")
        #expect(lines["sources.group"] == "ok: \(server) may read orders; the group workers is created at the start")
        #expect(
            lines["sources.text"]
                == "failed: \(server) has a string at 'text', and a stream is needed; name another key, or delete this one")
        #expect(lines["sources.login"]?.hasPrefix("failed: \(server) does not accept the password: WRONGPASS") == true)
        #expect(lines["sinks.orders"] == "ok: \(server) may write orders")
        #expect(lines["sinks.reader"]?.contains("a redis-stream sink needs XADD") == true, "\(lines)")
        // The check has left nothing behind.
        #expect(try await peer.entries(of: "orders").count == 1)
        let answer = await #expect(throws: PeerError.self) { try await peer.command("XPENDING", "orders", "workers") }
        #expect("\(String(describing: answer))".contains("NOGROUP"), "the check has created the group")
    }

    @Test func `HTTP and mail servers are tried without an event`() async throws {
        let redis = try await BrokerProcess.redis()
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: in } }
            sinks: { out: { type: sse, stream: out } }
            routes: [{ to: out }]
            """)
        let base = "http://127.0.0.1:\(bridge.port)"
        let (code, lines) = try await self.check(
            sources: [
                "stream": "{ type: sse, url: '\(base)/api/stream/out' }",
                "page": "{ type: sse, url: '\(base)/livez?key=hunter2' }",
                "nothing": "{ type: sse, url: 'http://127.0.0.1:1/' }",
                "file": "{ type: file, path: '\(self.directory.file("later.log"))' }",
            ],
            sinks: [
                "hook": "{ type: webhook, url: '\(base)/api/webhooks/in' }",
                "mail":
                    "{ type: smtp, url: 'smtp://127.0.0.1:\(redis.port)', from: a@b.example, to: c@d.example, starttls: 'off' }",
                "file": "{ type: file, path: /no/where }",
            ], "--timeout", "2")
        #expect(code == 1)
        #expect(lines["sources.stream"] == "ok: \(base)/api/stream/out is a stream of events")
        #expect(lines["sources.page"]?.contains("text/event-stream was expected") == true, "\(lines)")
        #expect(
            lines["sources.nothing"]
                == "failed: http://127.0.0.1:1/: no connection to 127.0.0.1 port 1: nothing listens there, or a firewall refuses it"
        )
        #expect(lines["sources.file"]?.hasSuffix("is not there yet; it is read once it is") == true)
        #expect(lines["sinks.hook"]?.hasPrefix("ok: \(base) answers ") == true, "\(lines)")
        #expect(lines["sinks.mail"]?.hasPrefix("failed: ") == true)
        #expect(
            lines["sinks.file"]
                == "failed: /no/where cannot be written: No such file or directory; let this user write it, or name another file")
        #expect(!lines.values.contains { $0.contains("hunter2") })
        // No event has arrived.
        #expect(try await bridge.metric("streambridge_events_received_total", "component=\"in\"") == 0)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a peer that says nothing is waited for only as long as asked, and JSON lists what failed`() async throws {
        struct Finding: Decodable { let rule: String, path: String, message: String }
        let redis = try await BrokerProcess.redis()
        let path = try self.directory.write(
            """
            sources: { in: { type: mqtt, url: 'mqtt://127.0.0.1:\(redis.port)', subscribe: a } }
            sinks: { out: { type: redis, url: 'redis://127.0.0.1:\(redis.port)', channel: a } }
            routes: [{ to: out }]
            """, to: "silent.yaml")
        let (code, output, _) = try await BridgeProcess.command(
            "check", "--connect", "--timeout", "1", "--format", "json", path)
        #expect(code == 1)
        let findings = try JSONDecoder().decode([Finding].self, from: Data(output.utf8)).filter { $0.rule == "connection" }
        #expect(findings.map(\.path) == ["sources.in"])
        #expect(
            findings.map(\.message) == [
                "mqtt://127.0.0.1:\(redis.port) did not answer within 1.0 seconds; check address and firewall, or raise --timeout"
            ])
    }
}
