import BridgeTesting
import Testing

/// `streambridge test`.
@Suite(.timeLimit(.minutes(1)))
struct TestCommandTests {
    private static let yaml = """
        log: { kind: sqlite, path: never.db }
        http: { listen: 127.0.0.1:1 }
        sources: { in: { type: webhook, id: hello } }
        sinks: { out: { type: redis, url: redis://no.such.host, channel: out } }
        routes: [{ name: urgent, match: { priority: 5 }, to: out }, { name: all, to: out }]
        tests:
          - { name: a door, send: [{ body: { title: door } }], expect: { out: [{ title: door }] } }

        """

    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// Writes a file and runs its tests.
    ///
    /// - Parameter text: more tests.
    private func run(
        _ text: String = "", _ options: String...
    ) async throws -> (code: Int32, output: String, error: String, path: String) {
        let path = try self.directory.write(Self.yaml + text, to: "bridges.yaml")
        let (code, output, error) = try await BridgeProcess.command(["test", path] + options)
        return (code, output, error, path)
    }

    @Test func `the file of this repository passes its tests`() async throws {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let (code, output, error) = try await BridgeProcess.command("test", "\(root)/bridges.yaml", "--coverage")
        #expect(code == 0, "\(output)\(error)")
        #expect(output.contains("2 tests, all passed ("))
        #expect(output.hasSuffix("coverage: 2 of 2 routes and cases\n"))
    }

    @Test func `passed tests end with 0, and nothing is opened or written`() async throws {
        let (code, output, error, _) = try await self.run()
        #expect(code == 0 && error.isEmpty, "\(error)")
        #expect(output.hasPrefix("✓ a door\n1 test, all passed ("), "\(output)")
        #expect(TemporaryDirectory.names(in: self.directory.path) == ["bridges.yaml"])
    }

    @Test func `a failed test ends with 1 and says where and why`() async throws {
        let (code, output, error, path) = try await self.run(
            "  - { name: a window, send: [{ body: { title: door } }], expect: { out: [{ title: window }] } }\n", "--quiet")
        #expect(code == 1 && error.isEmpty, "\(error)")
        let lines = output.split(separator: "\n").map(String.init)
        #expect(
            Array(lines.prefix(5)) == [
                "✗ a window", "  \(path):8: the event of out is not as expected", "      title", "        - \"window\"",
                "        + \"door\"",
            ], "\(output)")
        #expect(lines.count == 7 && lines[6].hasPrefix("2 tests, 1 failed ("), "\(output)")
    }

    @Test func `a filter selects tests by a part of their names`() async throws {
        let more = "  - { name: a window, send: [{ body: x }], expect: { out: [] } }\n"
        let door = try await self.run(more, "--filter", "DOOR")
        #expect(door.code == 0 && door.output.contains("1 test, all passed"), "\(door.output)")
        let none = try await self.run(more, "--filter", "roof")
        #expect(none.code == 1 && none.error == "\(none.path): no test has 'roof' in its name; there are 2\n", "\(none.error)")
    }

    @Test func `coverage names what no test reaches`() async throws {
        let (code, output, _, _) = try await self.run("", "--coverage")
        #expect(code == 0)
        #expect(output.hasSuffix("coverage: 1 of 2 routes and cases\n  not reached: route urgent\n"), "\(output)")
    }

    @Test func `tests are also in a file beside it and in files of the option`() async throws {
        try self.directory.write(
            "tests: [{ name: beside, send: [{ body: x }], expect: { out: 1 } }]\n", to: "bridges.test.yaml")
        try self.directory.write("x", to: "body.txt")
        let more = try self.directory.write(
            "tests: [{ name: another, send: [{ body_file: body.txt }], expect: { out: [{ message: x }] } }]\n", to: "more.yaml")
        let (code, output, error, _) = try await self.run("", "--tests", more)
        #expect(code == 0, "\(output)\(error)")
        #expect(output.hasPrefix("✓ a door\n✓ beside\n✓ another\n3 tests, all passed"), "\(output)")
    }

    @Test func `results are written as JUnit reads them`() async throws {
        let report = self.directory.file("report.xml")
        let (code, _, _, path) = try await self.run(
            "  - { name: bad, send: [{ body: x }], expect: { out: [] } }\n", "--junit", report)
        #expect(code == 1)
        let xml = String(decoding: self.directory.read("report.xml"), as: UTF8.self)
        #expect(xml.contains("<testsuites name=\"\(path)\" tests=\"2\" failures=\"1\" errors=\"0\" "), "\(xml)")
        #expect(xml.contains("no event is expected at out, and one arrives"), "\(xml)")
        let (refused, _, error, _) = try await self.run("", "--junit", "/no/where/report.xml")
        #expect(refused == 1)
        #expect(error == "/no/where/report.xml cannot be written: No such file or directory\n", "\(error)")
    }

    @Test func `mistakes in tests end with 78, and run starts in spite of them`() async throws {
        let wrong = "  - { name: wrong, send: [{ bodi: x }], expect: { outt: 1 } }\n"
        let (code, output, error, path) = try await self.run(wrong)
        #expect(code == 78 && output.isEmpty)
        #expect(error.contains("\(path):8:"), "\(error)")
        #expect(error.contains("unknown key 'bodi'; did you mean 'body'?"), "\(error)")
        #expect(error.contains("no sink is called 'outt'; did you mean 'out'?"), "\(error)")
        let checked = try await BridgeProcess.command("check", path)
        #expect(checked.code == 78 && checked.error == error)
        let bridge = try await BridgeProcess.start(
            "sources: { in: { type: webhook, id: a } }\nsinks: { out: { type: file, path: /dev/null } }\n"
                + "routes: [{ to: out }]\ntests:\n" + wrong)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a file without tests ends with 1 and says where to write them`() async throws {
        let path = try self.directory.write(
            "sources: { in: { type: webhook, id: a } }\nsinks: { out: { type: file, path: /dev/null } }\nroutes: [{ to: out }]\n",
            to: "b.yml")
        let (code, _, error) = try await BridgeProcess.command("test", path)
        #expect(code == 1)
        let beside = self.directory.file("b.test.yml")
        #expect(error == "\(path): no tests; write them below 'tests:', or in \(beside)\n", "\(error)")
    }
}
