import BridgeConfiguration
import BridgeTesting
import Expressions
import Glibc
import JSON
import NIOCore
import StreamBridge
import Testing

@testable import BridgeCore
@testable import WebhookAdapter

/// The messages of the corpus with the preset of their sender: each becomes exactly the event that a reader wants.
struct SenderPresetTests {
    /// One message of the corpus.
    struct Example: CustomTestStringConvertible, Sendable {
        let sender: String
        let name: String

        var testDescription: String { "\(self.sender)/\(self.name)" }
    }

    /// The presets whose name is not that of the folder.
    private static let names = [
        "esphome-mqtt": "esphome", "ha-statestream": "home-assistant", "ha-stream": "home-assistant-stream", "ntfy-sse": "ntfy",
        "shelly-gen2": "shelly", "slack-sender": "slack",
    ]

    /// Messages of the model need no preset.
    private static let excluded: Set<String> = ["alphorn"]

    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    static let examples: [Example] = Self.files(in: Self.directory).filter { !$0.hasSuffix(".md") }.flatMap { sender in
        Self.files(in: "\(Self.directory)/\(sender)").filter { $0.hasSuffix(".meta.json") }
            .map { Example(sender: sender, name: String($0.dropLast(".meta.json".count))) }
            .filter { !Self.excluded.contains(sender) && !Self.excluded.contains($0.testDescription) }
    }

    @Test func `the corpus is there`() {
        #expect(Self.examples.count >= 65)
    }

    @Test(arguments: Self.examples)
    func `a message becomes the event that is wanted`(of example: Example) throws {
        let normaliser = Normaliser(source: "x", settings: try Self.settings(of: example), bridge: "b")
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }
        let meta = try parser.parse(Self.contents("\(Self.directory)/\(example.sender)/\(example.name).meta.json"))
        let now = Timestamp(milliseconds: 0)
        let unpacked = normaliser.unpack([try Self.message(of: example, meta)]) { _ in false }
        normaliser.begin(unpacked.messages, now: now)
        defer { normaliser.endBatch() }
        let outcomes = unpacked.messages.enumerated().map { normaliser.event(from: $0.element, at: $0.offset, now: now) }
        let failures = outcomes.flatMap(\.failures)
        #expect(failures.isEmpty, "\(failures)")
        let events = outcomes.filter { !$0.isNoise }.map(\.event)
        let wanted = meta["wanted"]
        guard wanted?["drop"] == nil else {
            #expect(events.isEmpty)
            return
        }
        if let count = wanted?["many"]?.integer {
            #expect(events.count == Int(count))
            #expect(Set(events.map(\.id)).count == events.count)
            #expect(events.allSatisfy { $0.title?.isEmpty == false && !$0.message.isEmpty && $0.tags.contains(example.sender) })
            return
        }
        let event = try #require(events.count == 1 ? events[0] : nil)
        if let title = wanted?["title"]?.string { #expect(event.title == title) }
        if let message = wanted?["message"]?.string { #expect(event.message == message) }
        if let priority = wanted?["priority"]?.integer { #expect(event.priority == Int(priority)) }
        if let tags = wanted?["tags"], tags.kind == .array { #expect(event.tags == JSONFields.array(tags.text())) }
        if let time = wanted?["timestamp"]?.string { #expect(event.timestamp == Timestamp(rfc3339: time)) }
        if let id = wanted?["id"]?.string { #expect(event.id == id) }
    }

    @Test(arguments: [
        ("zigbee2mqtt/lamp/set", true), ("zigbee2mqtt/kitchen/lamp/set/state", true), ("zigbee2mqtt/kitchen/lamp/get", true),
        ("zigbee2mqtt/kitchen/lamp", false), ("zigbee2mqtt/settee", false),
    ])
    func `commands to Zigbee devices are no events, whatever the devices are called`(subject: String, isDropped: Bool) throws {
        let settings = try Self.settings(of: Example(sender: "zigbee2mqtt", name: ""))
        let normaliser = Normaliser(source: "x", settings: settings, bridge: "b")
        let message = ReceivedMessage(subject: subject, body: ByteBuffer(string: #"{"state":"ON"}"#))
        #expect(normaliser.event(from: message, now: Timestamp(milliseconds: 0)).isNoise == isDropped)
    }

    private static func settings(of example: Example) throws -> NormaliseSettings {
        try self.settings(ofPreset: self.names[example.sender] ?? example.sender)
    }

    /// `normalise` of a source that has only the preset and an address.
    static func settings(ofPreset name: String) throws -> NormaliseSettings {
        let preset = try #require(Preset.shipped.first { $0.name == name && $0.direction == .source }, "\(name)")
        let text = """
            sources: { x: { preset: \(name)\(self.address(for: preset)) } }
            sinks: { y: { type: file, path: '-' } }
            routes: [{ to: y }]
            """
        let loader = BridgeLoader(catalog: .shipped, expressions: Self.compiler, environment: [:], readFile: { _ in "" })
        return try loader.load(text: text, file: "bridges.yaml").sources[0].normalise.list[0].reading
    }

    @Test func `jobs without lists are a mistake in the file, not in the preset`() {
        let text = """
            sources: { x: { preset: sidekiq, url: redis://h } }
            sinks: { y: { type: file, path: '-' } }
            routes: [{ to: y }]
            """
        let loader = BridgeLoader(catalog: .shipped, expressions: Self.compiler, environment: [:], readFile: { _ in "" })
        let errors = #expect(throws: ConfigurationErrors.self) { try loader.load(text: text, file: "bridges.yaml") }
        #expect(
            errors?.description == "bridges.yaml:1:15: error: sources.x: nothing to read; set channels, patterns or lists",
            "\(errors?.description ?? "")")
    }

    private static func address(for preset: Preset) -> String {
        switch preset.kind?.rawValue {
        case "mqtt": ", url: mqtt://h"
        case "sse": ", url: http://h"
        case "redis": ", url: redis://h" + (preset.name == "sidekiq" ? ", lists: l" : "")
        case "redis-stream": ", url: redis://h, stream: s"
        default: ""
        }
    }

    private static func message(of example: Example, _ meta: JSONElement) throws -> ReceivedMessage {
        let files = self.files(in: "\(self.directory)/\(example.sender)")
        let file = try #require(files.first { $0.hasPrefix("\(example.name).") && !$0.hasSuffix(".meta.json") })
        var body = try self.contents("\(self.directory)/\(example.sender)/\(file)")
        let subject = meta["subject"]?.string ?? "message"
        var attributes = Attributes()
        switch meta["transport"]?.string {
        case "sse":
            let lines = String(buffer: body).split(separator: "\n")
            body = ByteBuffer(string: lines.filter { $0.hasPrefix("data:") }.map { $0.dropFirst(6) }.joined(separator: "\n"))
            attributes.append("sse-event", subject)
        case "mqtt": attributes.append("retained", "\(meta["retained"]?.bool ?? false)")
        default: break
        }
        var type: String?
        meta["headers"]?.forEachMember { name, value in
            attributes.append(name, value.string ?? "")
            if name == "content-type" { type = value.string }
        }
        if let form = WebhookForm.message(of: body), type == "application/x-www-form-urlencoded" {
            (body, type) = (form, nil)
        } else if let name = type, let form = WebhookMultipart.message(of: body, contentType: name) {
            (body, type) = (form, "application/json")
        }
        return ReceivedMessage(subject: subject, body: body, contentType: type, attributes: attributes)
    }

    // MARK: Reading the files

    private static let directory =
        #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/BridgeCoreTests/Normalising/Corpus"

    private static func files(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
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
