import BridgeTesting
import Glibc
import Testing

@testable import FileAdapter

/// Files that two components of one configuration name.
@Suite(.timeLimit(.minutes(1)))
struct FileLoopTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
        try #require(symlink(self.directory.path, self.directory.file("link")) == 0)
    }

    private func check(_ sources: String, _ sinks: String) async throws -> (code: Int32, text: String) {
        let file = try self.directory.write(
            "sources:\n\(sources)\nsinks:\n\(sinks)\nroutes: [{ to: [out] }]\n", to: "bridges.yaml")
        let checked = try await BridgeProcess.command("check", file)
        return (checked.code, checked.output + checked.error)
    }

    private func path(_ text: String) -> String { text.replacing("DIR", with: self.directory.path) }

    @Test(
        arguments: ["DIR/l.log", "DIR/./l.log", "DIR/none/../l.log", "DIR/link/l.log", "DIR//link/link/l.log"],
        [true, false])
    func `a file that a source follows gets no raw lines, whatever its path is`(path: String, exists: Bool) async throws {
        if exists { _ = try self.directory.write("", to: "l.log") }
        let path = self.path(path)
        let (code, text) = try await self.check(
            "  in: { type: file, path: \(self.directory.file("l.log")) }", "  out: { type: file, path: \(path), format: raw }")
        #expect(code == 78)
        #expect(
            text.contains(
                "sinks.out.path: events would loop forever: \(path) returns through the file \(self.directory.file("l.log")), and"
                    + " with format: raw it carries no mark of its origin; write to a file that the source does not read, or write"
                    + " format: json (source in)"), "\(text)")
    }

    @Test(arguments: [
        "path: DIR/l.log", "path: DIR/l.log, body: \"{{ . }}\"", "path: DIR/m.log, format: raw", "path: \"-\", format: raw",
    ])
    func `other files and lines of JSON are not loops`(sink: String) async throws {
        let (code, text) = try await self.check(
            self.path("  in: { type: file, path: DIR/l.log }"), self.path("  out: { type: file, \(sink) }"))
        #expect(code == 0, "\(text)")
    }

    @Test func `a file that is read once is not a loop`() async throws {
        let (code, text) = try await self.check(
            self.path("  in: { type: file, path: DIR/l.log, follow: false }"),
            self.path("  out: { type: file, path: DIR/l.log, body: \"{{ .message }}\" }"))
        #expect(code == 0, "\(text)")
    }

    @Test(arguments: ["DIR/z", "DIR/../NAME/z", "DIR/link/z"])
    func `two sinks do not write one file, whatever its path is`(path: String) async throws {
        let name = self.directory.path.split(separator: "/").last.map(String.init) ?? ""
        let path = self.path(path).replacing("NAME", with: name)
        let (code, text) = try await self.check(
            "  in: { type: webhook, id: hello }",
            self.path("  out: { type: file, path: DIR/z }\n") + "  again: { type: file, path: \(path) }")
        #expect(code == 78)
        #expect(text.contains("the file \(path) belongs to sinks.out already (line 4)"), "\(text)")
    }

    @Test func `a relative path is taken from the working directory`() {
        let here = CanonicalPath.of(".")
        #expect(here.hasPrefix("/"))
        #expect(CanonicalPath.of("no/such/../file") == "\(here)/no/file")
        #expect(CanonicalPath.of("/..//etc/./passwd") == "/etc/passwd")
        #expect(CanonicalPath.of("/no/../../such") == "/such")
        #expect(CanonicalPath.of("/") == "/")
    }
}
