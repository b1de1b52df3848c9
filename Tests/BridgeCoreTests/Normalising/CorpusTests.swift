import Glibc
import JSON
import NIOCore
import Testing

@testable import BridgeCore

/// Messages in the formats of many senders, read without any configuration and graded as a person would.
///
/// `Corpus/SENDER/EXAMPLE.meta.json` says how each message travels and what a reader would want to see.
struct CorpusTests {
    private struct Example {
        let name: String
        let message: ReceivedMessage
        let wantedTime: Timestamp?
        let wantedPriority: Int?
        let wantedMessage: String?
        /// Whether one event is wanted.
        let isEvent: Bool
        let isDropped: Bool
    }

    @Test func `at most one message in ten is poor and none is noise`() throws {
        let examples = try Self.examples()
        try #require(examples.count >= 70)
        var poor: [String] = []
        for example in examples {
            let outcome = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(
                from: example.message, now: Timestamp(milliseconds: 0))
            let event = outcome.event
            if example.isDropped {
                if !outcome.isNoise { poor.append("\(example.name): an event of what is none") }
                continue
            }
            #expect(!outcome.isNoise, "\(example.name)")
            guard example.isEvent else { continue }
            var faults: [String] = []
            if (event.title ?? "").isEmpty || event.title?.first == "{" { faults.append("no title") }
            if event.message.isEmpty || (event.message.first == "{" && example.wantedMessage?.first != "{") {
                faults.append("no words")
            }
            if let time = example.wantedTime, event.timestamp != time { faults.append("time \(event.timestamp)") }
            if let priority = example.wantedPriority, priority >= 4, (event.priority ?? 3) < 4 { faults.append("not urgent") }
            if let priority = event.priority, priority >= 4, (example.wantedPriority ?? 3) < 4 { faults.append("too urgent") }
            if !faults.isEmpty { poor.append("\(example.name): \(faults.joined(separator: ", "))") }
        }
        #expect(poor.count * 10 <= examples.count, "\(poor.joined(separator: "\n"))")
    }

    // MARK: Reading the files

    private static let directory = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Corpus"

    private static func examples() throws -> [Example] {
        try self.names(in: self.directory).filter { !$0.hasSuffix(".md") }.flatMap { sender -> [Example] in
            let files = try self.names(in: "\(self.directory)/\(sender)")
            return try files.filter { $0.hasSuffix(".meta.json") }.compactMap { file -> Example? in
                let name = file.dropLast(".meta.json".count)
                guard let body = files.first(where: { $0.hasPrefix("\(name).") && !$0.hasSuffix(".meta.json") }) else {
                    return nil
                }
                return try self.example(sender, String(name), body)
            }
        }
    }

    private static func example(_ sender: String, _ name: String, _ file: String) throws -> Example? {
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }
        let meta = try parser.parse(self.contents("\(self.directory)/\(sender)/\(name).meta.json"))
        var body = try self.contents("\(self.directory)/\(sender)/\(file)")
        var attributes = Attributes()
        let transport = meta["transport"]?.string
        if transport == "sse" {
            let lines = String(buffer: body).split(separator: "\n")
            body = ByteBuffer(string: lines.filter { $0.hasPrefix("data:") }.map { $0.dropFirst(6) }.joined(separator: "\n"))
            attributes.append("sse-event", meta["subject"]?.string ?? "message")
        } else if transport == "mqtt" {
            attributes.append("retained", "false")
        }
        var type: String?
        meta["headers"]?.forEachMember { name, value in
            attributes.append(name, value.string ?? "")
            if name == "content-type" { type = value.string }
        }
        // The webhook source makes JSON of forms.
        if type?.hasPrefix("application/x-www-form") == true || type?.hasPrefix("multipart/") == true { return nil }
        let wanted = meta["wanted"]
        return Example(
            name: "\(sender)/\(name)",
            message: ReceivedMessage(
                subject: meta["subject"]?.string ?? "message", body: body, contentType: type, attributes: attributes),
            wantedTime: (wanted?["timestamp"]?.string).flatMap { Timestamp(rfc3339: $0) },
            wantedPriority: (wanted?["priority"]?.integer).map(Int.init), wantedMessage: wanted?["message"]?.string,
            isEvent: wanted?["many"] == nil, isDropped: wanted?["drop"] != nil)
    }

    private static func names(in path: String) throws -> [String] {
        let directory = try #require(opendir(path), "\(path)")
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func contents(_ path: String) throws -> ByteBuffer {
        let file = try #require(fopen(path, "r"), "\(path)")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return ByteBuffer(bytes: bytes[..<count])
    }
}
