import BridgeCore
import FoundationEssentials
import Testing

@testable import FileAdapter

struct FileSettingsTests {
    @Test func `a source needs only a path`() throws {
        let settings = try Self.source(#"{"path": "/var/log/x"}"#)
        #expect(settings.path == "/var/log/x")
        #expect(settings.subject == "/var/log/x")
        #expect(settings.follow)
        #expect(settings.start == .beginning)
        #expect(settings.longestLine == 1 << 20)
        #expect(settings.rotateWait == .seconds(5))
        #expect(settings.exclusiveResources.isEmpty)
    }

    @Test func `standard input is not followed`() throws {
        let settings = try Self.source(#"{"path": "-"}"#)
        #expect(!settings.follow)
        #expect(settings.subject == "stdin")
        #expect(settings.exclusiveResources == [Resource("standard input", "-")])
    }

    @Test(arguments: [
        (#"{"path": ""}"#, "path: is empty; write the path of a file, or - for standard input"),
        (#"{"path": "-", "follow": true}"#, "follow: standard input cannot be followed; leave it out"),
        (#"{"path": "x", "follow": false, "start": "end"}"#, "start: 'end' reads nothing when follow is false; set follow: true"),
        (#"{"path": "x", "start": "middle"}"#, "start: 'middle' is not one of beginning, end"),
        (#"{"path": "x", "rotate_wait": "61m"}"#, "rotate_wait: is out of range; 0s to 1h is allowed"),
        (#"{"path": "x", "max_line": "1"}"#, "max_line: 1 bytes is out of range; 16B to 256MiB is allowed"),
        (
            #"{"path": "x", "max_line": "long"}"#,
            "max_line: 'long' is not a size; write a number and KiB, MiB or GiB, such as 64KiB"
        ),
    ])
    func `a mistake in a source is reported`(json: String, message: String) {
        let error = #expect(throws: SettingError.self) { try Self.source(json) }
        #expect(error?.description == message)
    }

    @Test(arguments: [#""body": "x""#, #""format": "raw""#])
    func `body, json and format of a line exclude each other`(other: String) {
        let error = #expect(throws: SettingError.self) { try Self.sink(#"{"path": "x", "json": {}, \#(other)}"#) }
        #expect(error?.description == "json: json, body and format exclude each other; json is the whole line")
    }

    @Test func `a template within a JSON string of a line draws a warning`() throws {
        let warned = try Self.sink(#"{"path": "x", "body": "[\"{{ .message }}\"]"}"#)
        #expect(warned.warnings.map { $0.description.prefix(44) } == ["body: {{ .message }} is within a JSON string"])
        #expect(try Self.sink(#"{"path": "x", "json": ["{{ .message }}"]}"#).warnings.isEmpty)
    }

    @Test func `a sink needs only a path`() throws {
        let settings = try Self.sink(#"{"path": "/var/log/x"}"#)
        #expect(settings.destination.path == "/var/log/x")
        #expect(settings.format == .json)
        #expect(settings.body == nil)
        #expect(!settings.destination.isSynchronised)
        #expect(settings.destination.largestSize == nil)
        #expect(settings.destination.kept == 5)
        #expect(settings.exclusiveResources == [Resource("file", "/var/log/x")])
    }

    @Test(arguments: [
        (#"{"path": ""}"#, "path: is empty; write the path of a file, or - for standard output"),
        (#"{"path": "-", "max_size": "1MiB"}"#, "max_size: standard output cannot be rotated; leave it out"),
        (#"{"path": "x", "max_size": "10"}"#, "max_size: 10 bytes is too small; 1KiB or more is allowed"),
        (#"{"path": "x", "keep": 3}"#, "keep: has no effect without max_size; add max_size"),
        (#"{"path": "x", "max_size": "1MiB", "keep": 1001}"#, "keep: 1001 is out of range; 0 to 1000 is allowed"),
        (#"{"path": "x", "format": "xml"}"#, "format: 'xml' is not one of json, raw"),
    ])
    func `a mistake in a sink is reported`(json: String, message: String) {
        let error = #expect(throws: SettingError.self) { try Self.sink(json) }
        #expect(error?.description == message)
    }

    @Test(arguments: ["", "1", "1:", ":1", "x:1", "1:x", "1:-1", "1:2:x", "1:2:", "1:2:3:x"])
    func `an invalid cursor is ignored`(text: String) {
        #expect(FileCursor(text) == nil)
    }

    @Test func `a cursor is read as it was written`() {
        for fingerprint in [nil, 0, UInt64.max] {
            for generation in fingerprint == nil ? [nil] : [nil, FileGeneration(value: 0), FileGeneration(value: .max)] {
                for path in generation == nil ? [nil] : [nil, "/a:b/c", ""] {
                    let cursor = FileCursor(
                        inode: .max, offset: 12, fingerprint: fingerprint, generation: generation, path: path)
                    #expect(FileCursor(cursor.text) == cursor)
                }
            }
        }
    }

    private static func source(_ json: String) throws -> FileSource.Configuration {
        let settings = try JSONDecoder().decode(FileSource.Configuration.self, from: Data(json.utf8))
        try settings.validate()
        return settings
    }

    private static func sink(_ json: String) throws -> FileSink.Configuration {
        let settings = try JSONDecoder().decode(FileSink.Configuration.self, from: Data(json.utf8))
        try settings.validate()
        return settings
    }
}
