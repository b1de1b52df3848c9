import BridgeConfiguration
import BridgeTesting
import Glibc
import Testing

/// The command line.
@Suite(.timeLimit(.minutes(1)))
struct CommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `check prints every mistake with its location and exits with 78`() async throws {
        let path = try self.directory.write(
            """
            sources:
              home:
                type: mqtt
                url: mqtt://localhost
                subscrib: [{ topic: a }]
              other:
                type: kafka
            sinks:
              out:
                type: file
                path: /var/x
                max_size: huge
            routes:
              - { from: [hom], to: [out] }
              - { from: [home], to: [nowhere] }

            """, to: "bridges.yaml"
        )
        let (code, output, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        #expect(output.isEmpty)
        let lines = error.split(separator: "\n").map(String.init)
        for (place, text) in [
            (":5:5:", "subscribe"), (":7:11:", "kafka"), (":12:15:", "huge"), (":14:", "hom"), (":15:", "nowhere"),
        ] {
            #expect(lines.contains { $0.hasPrefix(path + place) && $0.contains(text) }, "\(place) \(text) in \(error)")
        }
    }

    @Test func `check of a correct file summarises it and exits with 0`() async throws {
        let path = try self.directory.write(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: file, path: "-" }
            routes:
              - { from: [in], to: [out] }

            """, to: "bridges.yaml"
        )
        let (code, output, error) = try await BridgeProcess.command("check", path)
        #expect(code == 0, "\(error)")
        #expect(output == "\(path): correct; 1 source, 1 route, 1 sink\n")
    }

    @Test func `run refuses a wrong file with 78 before anything starts`() async throws {
        let path = try self.directory.write("sources: 1\n", to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("run", path)
        #expect(code == 78)
        #expect(error.contains(" error configuration: ") && error.contains(" location=\(path):1:"), "\(error)")
    }

    @Test(arguments: [
        ("\"${env:NO_SUCH_SECRET:-}\"", "the token is empty; write one or leave the key out"),
        ("${env:NO_SUCH_SECRET:-}", "the token is empty; write one or leave the key out"),
        ("\"${file:/dev/null}\"", "the token is empty; write one or leave the key out"),
        ("\"\"", "the token is empty; write one or leave the key out"),
        ("", "has no value; write one or leave it out"),
    ])
    func `an empty or missing token is refused and disables nothing`(token: String, reason: String) async throws {
        let path = try self.directory.write(
            """
            sources:
              in:
                type: webhook
                id: hello
                token: \(token)
            sinks:
              out:
                type: sse
                stream: demo
                token: \(token)
            routes: [{ to: out }]

            """, to: "bridges.yaml"
        )
        let (code, _, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        let lines = [("5", "sources.in.token"), ("10", "sinks.out.token")].map { "\(path):\($0):12: error: \($1): \(reason)\n" }
        #expect(error.replacing(/:[0-9]+: error/, with: ":12: error") == lines.joined())
    }

    @Test(arguments: [
        (
            "http: { tls: { cert_file: /no/cert.pem, key_file: /no/key.pem } }",
            [
                "http.tls.cert_file: the file /no/cert.pem cannot be read: No such file or directory; put it there, or name another one",
                "http.tls.key_file: the file /no/key.pem cannot be read: No such file or directory; put it there, or name another one",
            ]
        ),
        (
            "http: { access: { jwt: { public_key_file: /no/key.pem } } }",
            [
                "http.access.jwt.public_key_file: the file /no/key.pem cannot be read: No such file or directory; put it there, or name another one"
            ]
        ),
        (
            "log: { kind: sqlite, path: /no/where/events.db }",
            ["log: no log can be created in /no/where: No such file or directory; create the directory, or name another one"]
        ),
        (
            "service: { state_dir: /no/where }",
            [
                "service.state_dir: the directory /no/where cannot be written: No such file or directory; create the directory, or name another one"
            ]
        ),
        (
            "service: { state_dir: /dev/null }",
            [
                "service.state_dir: the directory /dev/null cannot be written: Not a directory; a part of the path is a file, or name another one"
            ]
        ),
    ])
    func `check reports unreadable files, and run exits with 78`(
        setting: String, problems: [String]
    ) async throws {
        let path = try self.directory.write(
            """
            \(setting)
            sources: { in: { type: webhook, id: hello } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]

            """, to: "bridges.yaml"
        )
        for (command, code, severity) in [("check", 0, "warning"), ("run", 78, "error")] {
            let ended = try await BridgeProcess.command(command, path)
            #expect(ended.code == code, "\(ended.error)")
            if command == "check" {
                let error = ended.error.replacing(#/:[0-9]+:[0-9]+: warning/#, with: ": warning")
                #expect(error == problems.map { "\(path): \(severity): \($0)\n" }.joined())
            } else {
                let lines = ended.error.split(separator: "\n").map { $0.drop { $0 != " " } }
                #expect(
                    lines.map { $0.replacing(#/:1:[0-9]+ setting/#, with: " setting") }
                        == problems.map { problem in
                            let parts = problem.split(separator: ": ", maxSplits: 1)
                            return " error configuration: \(parts[1]) location=\(path) setting=\(parts[0])"
                        })
            }
        }
    }

    @Test func `a missing file is reported`() async throws {
        let (code, _, error) = try await BridgeProcess.command("check", self.directory.file("none.yaml"))
        #expect(code == 78)
        #expect(error.contains("none.yaml") && error.contains("No such file"))
    }

    @Test func `version names the commit of the build and the libraries`() async throws {
        let (code, output, _) = try await BridgeProcess.command("--version")
        #expect(code == 0)
        let lines = output.split(separator: "\n").map(String.init)
        #expect(lines.first?.wholeMatch(of: #/streambridge [0-9.]+/#) != nil)
        #expect(lines.dropFirst().first?.wholeMatch(of: #/commit (unknown|[0-9a-f]{7,40}\+?)/#) != nil)
        let libraries = lines.dropFirst(2).map { $0.split(separator: " ") }
        #expect(libraries.map(\.first) == ["libmosquitto", "OpenSSL", "hiredis", "SQLite", "libyaml", "zlib", "Zstandard"])
        for library in libraries { #expect(library.count == 2 && library[1].contains(#/^[0-9]+\.[0-9]+/#), "\(library)") }
    }

    @Test func `adapters lists every kind with its keys`() async throws {
        let (code, output, _) = try await BridgeProcess.command("adapters")
        #expect(code == 0)
        let kinds = output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
        #expect(kinds == ["file", "home-assistant", "mqtt", "redis", "redis-stream", "smtp", "sse", "webhook", "every kind"])
        #expect(output.contains("  source  follow, max_line, path, rotate_wait, start, subject"))
        #expect(output.contains("  with    body, format"))
        #expect(output.contains("  source  ack, connection, normalise, on_gap, preset, required, retry, type\n"))
        #expect(output.contains("  sink    buffer, connection, dead_letter, preset, required, retry, type\n"))
    }

    @Test func `adapters shows the details of each key of one kind`() async throws {
        let (code, output, _) = try await BridgeProcess.command("adapters", "webhook")
        #expect(code == 0)
        let lines = output.split(separator: "\n").map {
            "\($0.prefix { $0 == " " })\($0.split(separator: " ").joined(separator: " "))"
        }
        let titles = ["webhook source", "every source", "fields of normalise.cases[].set", "webhook sink", "every sink"]
        #expect(lines.filter { !$0.hasPrefix(" ") } == titles)
        for line in [
            "  max_body Size above which a body is refused (size, 1B or more; default: 1MiB)",
            "  url URL to send to, with http:// or https://; templates are allowed after the host (template; required; also in with; such as https://example.com/hook)",
            "  signature.algorithm Hash of the signature (sha1, sha256, sha512; default: sha256)",
            "  retry.on Answers after which an event is retried (list of status, range or class; default: 408, 425, 429, 5xx)",
            "  retry.factor Growth of the bound with each attempt (number, 1 to 100; default: 2)",
            "  normalise.title Title of the events (template; such as '{{ .payload.name }}')",
            "  zone Time zone of times that have none, such as Europe/Berlin; of timestamp only; needs from (time zone; such as Europe/Berlin)",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    @Test func `an unknown kind is reported with the nearest one`() async throws {
        let (code, _, error) = try await BridgeProcess.command("adapters", "mqtts")
        #expect(code == 64)
        #expect(error.contains("no adapter is called 'mqtts'; did you mean 'mqtt'?"))
    }

    @Test func `presets list names each preset with direction, type and description`() async throws {
        let (code, output, _) = try await BridgeProcess.command("presets", "list")
        #expect(code == 0)
        let lines = output.split(separator: "\n")
        #expect(lines.count == Preset.shipped.count)
        let words = lines.first { $0.hasPrefix("zigbee2mqtt ") }?.split(separator: " ") ?? []
        #expect(words.prefix(3) == ["zigbee2mqtt", "source", "mqtt"] && words.count > 3, "\(words)")
    }

    @Test func `presets show prints the YAML, and refuses an unknown name with the nearest one`() async throws {
        let (code, output, _) = try await BridgeProcess.command("presets", "show", "zigbee2mqtt")
        #expect(code == 0)
        #expect(output.hasPrefix("# Zigbee2MQTT: ") && output.contains("\ntype: mqtt\n"))
        #expect(output.contains("\n# A complete file:\n#   sources:\n#     zigbee2mqtt:\n"))
        let (shown, example, _) = try await BridgeProcess.command("presets", "show", "zigbee2mqtt", "--example")
        #expect(shown == 0 && example.hasPrefix("sources:\n  zigbee2mqtt:\n    preset: zigbee2mqtt\n"))
        let (refused, _, error) = try await BridgeProcess.command("presets", "show", "zigbe2mqtt")
        #expect(refused == 64)
        #expect(error.contains("no preset is called 'zigbe2mqtt'; did you mean 'zigbee2mqtt'?"))
    }

    @Test func `presets show prints one direction of a name for both, or two documents`() async throws {
        let (_, both, _) = try await BridgeProcess.command("presets", "show", "ntfy", "--example")
        #expect(both.hasPrefix("--- # source\nsources:\n") && both.contains("\n--- # sink\nsources:\n"), "\(both)")
        let (_, one, _) = try await BridgeProcess.command("presets", "show", "ntfy", "--example", "--sink")
        #expect(one.hasPrefix("sources:\n  events:") && !one.contains("---"), "\(one)")
        let (refused, _, error) = try await BridgeProcess.command("presets", "show", "github", "--sink")
        #expect(refused == 64 && error.contains("'github' is a preset for sources only; leave the option out"), "\(error)")
    }

    @Test func `a wrong command line ends with 64`() async throws {
        #expect(try await BridgeProcess.command("no-such-command").code == 64)
    }

    @Test func `a port in use is reported, and the program ends`() async throws {
        let peer = try await HTTPPeer.start()
        let path = try self.directory.write(
            """
            http: { listen: "127.0.0.1:\(peer.port)" }
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: file, path: /dev/null }
            routes:
              - { from: [in], to: [out] }

            """, to: "bridges.yaml"
        )
        let (code, _, error) = try await BridgeProcess.command("run", path)
        #expect(code == 1)
        #expect(error.contains("\(peer.port)"))
    }

    /// Runs a command in a directory, with another one in place of `/etc`.
    private func run(_ arguments: [String], etc: String? = nil) async throws -> (code: Int32, output: String, error: String) {
        var words = arguments.map { "'\($0)'" }.joined(separator: " ")
        words = "cd '\(self.directory.path)' && exec '\(BridgeProcess.executable)' \(words)"
        if let etc { words = "mount --bind '\(etc)' /etc && \(words)" }
        let process = try ChildProcess(etc == nil ? "sh" : "unshare", (etc == nil ? [] : ["-m", "sh"]) + ["-c", words])
        guard case .exited(let code) = try await process.untilEnded() else { throw PeerError(process.standardError) }
        return (code, process.standardOutput, process.standardError)
    }

    private static let small = """
        log: { kind: sqlite, path: events.db }
        http: { listen: 127.0.0.1:1 }
        sources: { in: { type: webhook, id: hello } }
        sinks: { out: { type: file, path: /dev/null } }
        routes: [{ to: out }]

        """

    @Test func `every command finds the file in the same way`() async throws {
        for command in [["check"], ["healthcheck"], ["dead-letters"], ["dead-letters", "list"], ["run"]] {
            let (code, _, error) = try await self.run(command)
            #expect(code == 78)
            #expect(
                error.contains("No such file or directory, and there is no /etc/streambridge/bridges.yaml; name the file"),
                "\(error)")
        }
        try self.directory.write(Self.small, to: "bridges.yaml")
        try self.directory.write(Self.small, to: "other.yaml")
        for file in [[], ["-f", "other.yaml"], ["--file", "other.yaml"]] {
            let name = file.last ?? "bridges.yaml"
            #expect(try await self.run(["check"] + file).output == "\(name): correct; 1 source, 1 route, 1 sink\n")
            #expect(try await self.run(["dead-letters", "list"] + file).error.contains("the log events.db cannot be opened"))
            let health = try await self.run(["healthcheck"] + file)
            #expect(health.code == 1 && health.error.hasPrefix("\(name): http://127.0.0.1:1/livez does not answer"), "\(health)")
        }
        #expect(try await self.run(["check", "other.yaml", "-f", "bridges.yaml"]).code == 64)
        #expect(try await self.run(["check", "other.yaml"]).output.hasPrefix("other.yaml: correct"))
    }

    @Test(.enabled(if: geteuid() == 0, "another /etc is needed"))
    func `without a file here the installed one is taken`() async throws {
        let etc = try TemporaryDirectory()
        #expect(mkdir(etc.file("streambridge"), 0o755) == 0)
        try etc.write(Self.small, to: "streambridge/bridges.yaml")
        let path = "/etc/streambridge/bridges.yaml"
        #expect(try await self.run(["check"], etc: etc.path).output == "\(path): correct; 1 source, 1 route, 1 sink\n")
        #expect(try await self.run(["dead-letters"], etc: etc.path).error.contains("the log events.db cannot be opened"))
        let health = try await self.run(["healthcheck"], etc: etc.path)
        #expect(health.code == 1 && health.error.hasPrefix("\(path): "), "\(health)")
        try self.directory.write(Self.small, to: "bridges.yaml")
        #expect(try await self.run(["check"], etc: etc.path).output.hasPrefix("bridges.yaml: correct"))
    }

    @Test func `check warns about wildcards of another protocol and keys without a value`() async throws {
        let path = try self.directory.write(
            """
            sources:
              a:
                type: mqtt
                url: mqtt://localhost
                subscribe: ["zigbee2mqtt/*", { topic: "a/*/b" }, "/home/#", "a//b", "a/ b", "my topic/+", "a/#"]
              b: { type: redis, url: "redis://localhost", channels: ["news/#", "n.*", "a+b"], patterns: ["x/+", "y*"] }
              c:
                type: redis-stream
                url: redis://localhost
                stream: s
                group:
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]

            """, to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("check", path)
        #expect(code == 0)
        let expected = [
            (
                ":5:17:",
                "sources.a.subscribe[0]: 'zigbee2mqtt/*': '*' is not an MQTT wildcard; write '#' for everything below, or '+'"
            ),
            (":5:43:", "sources.a.subscribe[1].topic: 'a/*/b': '*' is not an MQTT wildcard; write '+' for one level, or '#'"),
            (":5:54:", "sources.a.subscribe[2]: '/home/#' begins with '/'"),
            (":5:65:", "subscribe[3]: 'a//b' has an empty level"),
            (":5:73:", "sources.a.subscribe[4]: 'a/ b' has a space"),
            (
                ":6:",
                "sources.b.channels[0]: 'news/#': Redis has no wildcards '#' and '+'; write a pattern with '*', such as news/*"
            ),
            (":6:", "sources.b.channels[1]: 'n.*' under channels is an exact name; write it under patterns"),
            (":6:", "sources.b.patterns[0]: 'x/+': Redis has no wildcards '#' and '+'"),
            (":11:11:", "sources.c.group: has no value and counts as left out; write one, or remove the key"),
        ]
        let lines = error.split(separator: "\n")
        #expect(lines.count == expected.count, "\(error)")
        for (place, text) in expected {
            #expect(lines.contains { $0.hasPrefix(path + place) && $0.contains(text) }, "\(place) \(text) in \(error)")
        }
    }

    @Test func `an event cannot choose the fixed stream of another sink`() async throws {
        for (template, isRefused) in [
            ("users/{{ .payload.user }}", true), ("users/{{ .payload.user }}/x", false), ("{{ .title }}/admin", true),
            ("users/a{{ .payload.user }}n", true), ("user{{ .title }}", false), ("people/{{ .payload.user }}", false),
        ] {
            let isFree = template.hasPrefix("{{")
            let path = try self.directory.write(
                """
                sources: { in: { type: webhook, id: hello } }
                sinks:
                  admin: { type: sse, stream: users/admin }
                  each: { type: sse, stream: "\(isFree ? "x/" : "")\(template)" }
                routes: [{ to: [admin, each] }]

                """, to: "bridges.yaml")
            let (code, _, error) = try await BridgeProcess.command("check", path)
            let expected = isRefused && !isFree
            #expect(code == (expected ? 78 : 0), "\(template): \(error)")
            #expect(
                !expected || error.contains("sinks.each.stream: an event could choose users/admin, the stream of sinks.admin"))
        }
    }

    @Test func `every bad header is reported with its place`() async throws {
        let path = try self.directory.write(
            """
            sources:
              in:
                type: sse
                url: http://a
                token: x
                headers:
                  "a b": x
                  Good: x
                  Bad: "x "
                  authorization: y
                  Accept-Encoding: br
            sinks:
              out:
                type: webhook
                url: http://a
                headers:
                  "c:": x
                  Good: "{{ .title }}"
                  Host: x
                  Bad: " x"
            routes: [{ to: out }]

            """, to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        let places = error.split(separator: "\n").compactMap { line in
            line.split(separator: ":").dropFirst().first.flatMap { Int($0) }
        }
        #expect(places == [7, 9, 10, 11, 17, 19, 20], "\(error)")
    }

    @Test func `every mistake of every component is reported at once`() async throws {
        let path = try self.directory.write(
            """
            sources:
              a: { type: mqtt, url: "http://x", subscribe: [{ topic: "a#", qos: 5 }], keep_alive: 30 }
              b: { type: redis, url: "redis://h:0", channels: [[1]], connect_timeout: 5, tls: { ca_fil: x, insecure: maybe } }
              c: { type: redis-stream, batch: 0, block: 5, start: now }
              d: { type: sse, url: "ftp://x", headers: [a], idle_timeout: 5 }
              e: { type: webhook, id: "a b", max_body: x }
              f: { type: file, max_line: x }
            sinks:
              g: { type: webhook, url: x, method: SEND, timeout: 5, in_flight: 0, signature: { algorithm: md5, secret: "" } }
              h: { type: mqtt, topic: "a/#", qos: 7, retain: x }
              i: { type: redis, url: "redis://h", channel: "", format: xml }
              j: { type: sse, stream: "a b", heartbeat: 1, compression: 5, cors: { origins: 5 } }
              k: { type: file, path: 5, max_size: x, keep: -1 }
            routes: [{ to: [g, h, i, j, k] }]

            """, to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        for place in [
            "a.url", "a.subscribe[0].topic", "a.keep_alive", "b.url", "b.channels", "b.connect_timeout", "b.tls",
            "b.tls.insecure",
            "c.batch", "c.block", "c.start", "d.url", "d.headers", "d.idle_timeout", "e.id", "e.max_body", "f.max_line", "g.url",
            "g.method",
            "g.timeout", "g.in_flight", "g.signature.algorithm", "h.topic", "h.qos", "h.retain", "i.format", "j.stream",
            "j.heartbeat",
            "j.cors.origins", "k.max_size", "k.keep",
        ] {
            #expect(error.contains(".\(place): ") || error.contains(".\(place)["), "\(place) is missing in \(error)")
        }
        #expect(!error.contains("stand-in"))
    }
}
