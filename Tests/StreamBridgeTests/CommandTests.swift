import BridgeTesting
import Testing

/// The command line.
@Suite(.timeLimit(.minutes(1)))
struct CommandTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `check prints every mistake with its place and ends with 78`() async throws {
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

    @Test func `check of a correct file says what is in it and ends with 0`() async throws {
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
        ("\"${env:NO_SUCH_SECRET:-}\"", "the token is empty"), ("${env:NO_SUCH_SECRET:-}", "the token is empty"),
        ("\"${file:/dev/null}\"", "the token is empty"), ("\"\"", "the token is empty"),
        ("", "has no value; write one or leave it out"),
    ])
    func `a token that is empty or missing is refused and switches nothing off`(token: String, reason: String) async throws {
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
            ["log: no log can be kept in /no/where: No such file or directory; create the directory, or name another one"]
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
    func `what the program needs and cannot read is told by check, and ends run with 78`(
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
                #expect(ended.error == problems.map { "\(path): \(severity): \($0)\n" }.joined())
            } else {
                let lines = ended.error.split(separator: "\n").map { $0.drop { $0 != " " } }
                #expect(lines == problems.map { " error configuration: \($0) file=\(path)" })
            }
        }
    }

    @Test func `a file that is not there is told`() async throws {
        let (code, _, error) = try await BridgeProcess.command("check", self.directory.file("none.yaml"))
        #expect(code == 78)
        #expect(error.contains("none.yaml") && error.contains("No such file"))
    }

    @Test func `adapters lists every kind with its keys`() async throws {
        let (code, output, _) = try await BridgeProcess.command("adapters")
        #expect(code == 0)
        let kinds = output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
        #expect(kinds == ["file", "mqtt", "redis", "redis-stream", "sse", "webhook"])
        #expect(output.contains("  source  follow, max_line, path, rotate_wait, start, subject"))
        #expect(output.contains("  with    body, format"))
    }

    @Test func `a wrong command line ends with 64`() async throws {
        #expect(try await BridgeProcess.command("no-such-command").code == 64)
    }

    @Test func `a port in use is told, and the program ends`() async throws {
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
}
