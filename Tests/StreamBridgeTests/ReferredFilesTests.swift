import BridgeTesting
import Glibc
import Testing

/// Files and directories that the configuration names, looked at before the start.
@Suite(.timeLimit(.minutes(1)))
struct ReferredFilesTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func write(_ service: String = "", sink: String = "path: /dev/null", more: String = "") throws -> String {
        try self.directory.write(
            """
            http: { listen: "127.0.0.1:0" }
            service: { \(service) }
            sources: { in: { type: webhook, id: hello }\(more) }
            sinks: { out: { type: file, \(sink) } }
            routes: [{ to: out }]

            """, to: "bridges.yaml")
    }

    private func problems(of path: String) async throws -> [String] {
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.code == 0, "check warns, because the file may be for another machine: \(checked.error)")
        let run = try await BridgeProcess.command("run", path)
        #expect(run.code == 78, "\(run.error)")
        return checked.error.split(separator: "\n").map { line in
            let parts = line.split(separator: ": ", maxSplits: 3).map(String.init)
            #expect(parts[1] == "warning")
            #expect(
                run.error.contains(" error configuration: \(parts[3]) location=\(parts[0]) setting=\(parts[2])\n"),
                "\(run.error)")
            return "\(parts[2]): \(parts[3])"
        }
    }

    @Test(arguments: [
        (
            "path: /no/where/out",
            "the file /no/where/out cannot be created in /no/where: No such file or directory; create the directory"
        ),
        ("path: /etc", "the file /etc cannot be written: Is a directory; a file is needed"),
        ("path: /etc/passwd/out", "the file /etc/passwd/out cannot be written: Not a directory; a part of the path is a file"),
        (
            "path: /no/where/out, max_size: 1MiB",
            "the file /no/where/out cannot be created in /no/where: No such file or directory; create the directory"
        ),
    ])
    func `a file sink whose file cannot be written prevents the start`(sink: String, problem: String) async throws {
        #expect(try await self.problems(of: self.write(sink: sink)) == ["sinks.out.path: \(problem), or name another one"])
    }

    @Test func `the files of TLS and the file that a source follows are checked`() async throws {
        let path = try self.write(
            more: """
                , broker: { type: mqtt, url: "mqtts://127.0.0.1:1", subscribe: [{ topic: a }], tls: { ca_file: /no/ca.pem } }
                , lines: { type: file, path: /etc }
                """.replacing("\n", with: " "))
        #expect(
            Set(try await self.problems(of: path)) == [
                "sources.broker.tls.ca_file: the file /no/ca.pem cannot be read: No such file or directory; put it there, or name another one",
                "sources.lines.path: the file /etc cannot be read: Is a directory; a file is needed, or name another one",
            ])
    }

    @Test(.enabled(if: geteuid() == 0, "another user is needed"))
    func `a path that the program's user cannot write is reported with its id`()
        async throws
    {
        chmod(self.directory.path, 0o755)
        try self.directory.write("", to: "out")
        chmod(self.directory.file("out"), 0o600)
        let path = try self.write(
            "state_dir: \(self.directory.path), log: { format: json }", sink: "path: \(self.directory.file("out"))")
        let run = try ChildProcess(
            "setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", BridgeProcess.executable, "run", path])
        #expect(try await run.untilEnded() == .exited(78))
        let remedy = "Permission denied; make it writable for the user with the id 65534, or name another one"
        let out = self.directory.file("out")
        #expect(
            run.standardError.contains("the file \(out) cannot be written: \(remedy)"), "\(run.standardError)")
        #expect(
            run.standardError.contains("the directory \(self.directory.path) cannot be written: \(remedy)"),
            "\(run.standardError)")
        let lines = run.standardError.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.hasPrefix(#"{"time":""#) && $0.hasSuffix("}") }, "\(run.standardError)")
    }

    @Test func `a file that a source follows may be created later`() async throws {
        let path = try self.write(more: ", lines: { type: file, path: \(self.directory.file("later")) }")
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.error.isEmpty, "\(checked.error)")
    }

    @Test func `a name that the user chose is not a setting`() async throws {
        let path = try self.directory.write(
            """
            http: { listen: "127.0.0.1:0" }
            sources: { in: { type: webhook, id: hello } }
            sinks: { out: { type: webhook, url: "http://127.0.0.1:1/", headers: { x_file: /no/where } } }
            routes: [{ to: out }]

            """, to: "bridges.yaml")
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.code == 0 && checked.error.isEmpty, "\(checked.error)")
    }

    @Test(arguments: ["json", "text"])
    func `every line of a run has the configured format, including mistakes and fatal errors`(format: String) async throws {
        func lines(_ text: String) async throws -> [String] {
            let path = try self.directory.write(text, to: "bridges.yaml")
            let run = try await BridgeProcess.command("run", path)
            #expect(run.code != 0)
            let lines = run.error.split(separator: "\n").map(String.init)
            #expect(!lines.isEmpty)
            for line in lines {
                if format == "json" {
                    #expect(line.hasPrefix(#"{"time":""#) && line.hasSuffix("}"), "\(line)")
                } else {
                    #expect(line.contains(#/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z (notice|warning|error) [a-z.]+: /#), "\(line)")
                }
            }
            return lines
        }
        let service = "service: { log: { format: \(format) } }\n"
        let peer = try await HTTPPeer.start()
        // A warning, then an error that ends the start.
        let busy = try await lines(
            service + """
                http: { listen: "127.0.0.1:\(peer.port)" }
                sources: { in: { type: webhook, id: hello }, idle: { type: webhook, id: idle } }
                sinks: { out: { type: file, path: /dev/null } }
                routes: [{ from: in, to: out }]

                """)
        #expect(busy.contains { $0.contains("no route reads this source; add one, or remove the source") })
        #expect(busy.last?.contains("Could not start") == true)
        // A mistake, and YAML that is none.
        #expect(try await lines(service + "sources: 1\n").contains { $0.contains("bridges.yaml:2:") })
        _ = try await lines(service + "sources: { in: { type: nothing } }\nsinks: {}\n")
    }
}
