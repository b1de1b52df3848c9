import BridgeCore
import BridgeTesting
import FoundationEssentials
import Glibc
import NIOCore
import Testing

@testable import FileAdapter

@Suite(.timeLimit(.minutes(1)))
struct FileSinkTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `events are one JSON line each`() async throws {
        let harness = try self.harness("")
        try await harness.run { harness.source.send([ByteBuffer(string: "a\nb"), ByteBuffer(string: "c")]) }
        #expect(self.lines("log") == harness.recorder.events.map { String(buffer: $0.json) })
        #expect(self.lines("log").count == 2)
    }

    @Test func `a raw line is the upstream body`() async throws {
        let harness = try self.harness(#", "format": "raw""#)
        try await harness.run { harness.source.send([ByteBuffer(string: "{ \"a\": 1 }"), ByteBuffer(string: "c")]) }
        #expect(self.lines("log") == ["{ \"a\": 1 }", "c"])
    }

    @Test func `a template renders the line, and no content breaks it`() async throws {
        let harness = try self.harness(#", "body": "{{ $subject }}: {{ .message }}""#)
        try await harness.run { harness.source.send([ByteBuffer(string: "a\r\nb")], subject: "s") }
        #expect(self.lines("log") == ["s: a  b"])
    }

    @Test func `a structured line is valid JSON for every event`() async throws {
        let harness = try self.harness(#", "json": {"text": "{{ .message }}", "all": ["<{{ .message }}>"]}"#)
        let text = "say \"hi\"\r\n\\ \u{1} \\\""
        try await harness.run { harness.source.send([ByteBuffer(string: text), ByteBuffer(string: "b")]) }
        struct Line: Decodable, Equatable {
            var text: String
            var all: [String]
        }
        let lines = try self.lines("log").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(lines == [Line(text: text, all: ["<\(text)>"]), Line(text: "b", all: ["<b>"])])
    }

    @Test func `a file is rotated within one batch`() async throws {
        let harness = try self.harness(#", "format": "raw", "max_size": "1024", "keep": 100"#)
        let bodies = (0..<100).map { ByteBuffer(string: String(repeating: "\($0 % 10)", count: 100)) }
        try await harness.run { harness.source.send(bodies) }
        let names = TemporaryDirectory.names(in: self.directory.path).sorted { $0.utf8.count > $1.utf8.count || $0 > $1 }
        #expect(names.count == 10)
        #expect(names.allSatisfy { self.directory.read($0).count <= 1024 })
        let ordered = (1...9).reversed().map { "log.\($0)" } + ["log"]
        #expect(ordered.flatMap { self.lines($0) } == bodies.map { String(buffer: $0) })
    }

    @Test func `a missing directory is reported, and everything is written once it is there`() async throws {
        let harness = try self.harness("", name: "later/log")
        try await harness.run(untilConnected: false) {
            harness.source.send([ByteBuffer(string: "hello")])
            try await eventually("the reason is reported") {
                harness.status.lastError?.hasPrefix("the directory \(self.directory.file("later")) does not exist") == true
            }
            mkdir(self.directory.file("later"), 0o700)
            try await eventually("it is written") { harness.bridge.pending == 0 }
        }
        #expect(self.lines("later/log").count == 1)
        let recoveries = harness.log.lines("File writes recovered")
        #expect(recoveries.map { $0.metadata["path"] } == [self.directory.file("later/log")])
    }

    private func harness(_ more: String, name: String = "log") throws -> SinkHarness {
        let json = #"{"path": "\#(self.directory.file(name))"\#(more)}"#
        let settings = try JSONDecoder().decode(FileSink.Configuration.self, from: Data(json.utf8))
        try settings.validate()
        return try SinkHarness(name: "file", kind: "file") { context in
            try FileSink(variants: [settings], context: context)
        }
    }

    private func lines(_ name: String) -> [String] {
        self.directory.read(name).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }
}
