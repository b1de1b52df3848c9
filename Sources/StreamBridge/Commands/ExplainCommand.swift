import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Glibc
import NIOCore
import Rehearsal
import SQLiteLog

/// `streambridge explain [FILE]`.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain what becomes of one message: how it is read, which routes take it, what each sink sends.",
        discussion: """
            The body comes from --body, --body-file or standard input; nothing is sent. With --id, the event is read from the log on disk, \
            also while the program runs, and explained from its routes on.

            Example: streambridge explain bridges.yaml --source home --topic zigbee2mqtt/door < body.json
            """
    )

    /// The form of the output.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json
    }

    @OptionGroup var file: ConfigurationFileArgument

    @Option(help: "The source that receives the message. (default: the only source)")
    var source: String?

    @Option(help: "The topic of an MQTT message.")
    var topic: String?

    @Option(help: "The channel of a Redis message.")
    var channel: String?

    @Option(help: "The type of an SSE event.")
    var event: String?

    @Option(help: "The method of a webhook request.")
    var method: String?

    @Option(help: "The query of a webhook request, such as title=Door.")
    var query: String?

    @Option(help: "A header of a webhook request, such as 'X-Title: Door'; may be repeated.")
    var header: [String] = []

    @Option(help: "Any other key of a message as in tests, such as retained=true or properties.content_type=text/plain.")
    var set: [String] = []

    @Option(help: "The body of the message.")
    var body: String?

    @Option(
        help: "A file with the body; - for standard input, which is read without --body and --body-file.", completion: .file())
    var bodyFile: String?

    @Option(help: "The id of an event in the log on disk, in place of a message.")
    var id: String?

    @Option(help: "The time at which the message arrives, such as 2026-01-01T08:00:00+01:00. (default: now)")
    var at: String?

    @Option(help: "The form of the output.")
    var format = Format.text

    func validate() throws {
        guard self.body == nil || self.bodyFile == nil else { throw ValidationError("use --body or --body-file, not both") }
        if let at, Timestamp(rfc3339: at) == nil {
            throw ValidationError("--at '\(at)' is not a time with its offset; write one such as 2026-01-01T08:00:00+01:00")
        }
        if self.id != nil, self.source != nil || self.body != nil || self.bodyFile != nil || !self.keys.isEmpty {
            throw ValidationError("--id explains an event of the log; leave out --source, --body and the keys of a message")
        }
        for header in self.header where !header.contains(":") {
            throw ValidationError("--header '\(header)' has no colon; write one such as 'X-Title: Door'")
        }
        for pair in self.set where !pair.contains("=") {
            throw ValidationError("--set '\(pair)' has no '='; write one such as retained=true")
        }
    }

    func run() throws {
        let input = ConfigurationInput(file: try self.file.path())
        let plan = try input.load()
        let rehearsal = try PlanRehearsal(plan)
        let time = self.at.flatMap { Timestamp(rfc3339: $0) } ?? .now()
        let explanation: Explanation
        if let id {
            explanation = Explanation(try self.logged(id, plan, input.file), at: time, in: rehearsal)
        } else {
            let message = try input.message(
                source: self.source, keys: self.keys, body: SampleBody(bytes: try self.bodyBytes()), plan: plan)
            do {
                explanation = try Explanation(message, at: time, in: rehearsal)
            } catch let refusal as SampleRefusal {
                let name = plan.sources[message.source.rawValue].name
                ConfigurationInput.complain("the message does not arrive at \(name): \(refusal.reason)")
                throw ExitCode(1)
            }
        }
        try StandardOutput.write { output in
            switch self.format {
            case .text: for line in ExplanationText.lines(of: explanation, in: rehearsal) { try output.add(line: line) }
            case .json: try output.add(line: ExplanationJSON.object(of: explanation, in: rehearsal))
            }
        }
    }

    /// The options as keys of a message.
    private var keys: [(name: String, value: String)] {
        let named = [
            ("topic", self.topic), ("channel", self.channel), ("event", self.event), ("method", self.method),
            ("query", self.query),
        ].compactMap { name, value in value.map { (name: name, value: $0) } }
        let headers = self.header.map { header in
            let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: "headers.\(parts[0])", value: String(parts[1].drop { $0 == " " }))
        }
        let others = self.set.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: String(parts[1]))
        }
        return named + headers + others
    }

    private func bodyBytes() throws -> ByteBuffer {
        if let body { return ByteBuffer(string: body) }
        let path = self.bodyFile ?? "-"
        // A person at a terminal who gives no body means none.
        if self.bodyFile == nil, isatty(STDIN_FILENO) == 1 { return ByteBuffer() }
        return try InputFile.read(path)
    }

    /// The event of the log on disk.
    private func logged(_ id: String, _ plan: BridgePlan, _ file: String) throws -> Event {
        guard case .disk(let settings) = plan.log else {
            ConfigurationInput.complain(
                "\(file) has no log on disk, so no event can be found by its id; write log: {kind: sqlite}")
            throw ExitCode(1)
        }
        // The directory in which the installed program runs; without access to it, the log is not found.
        if file == ConfigurationFile.installed { _ = chdir(ConfigurationFile.installedDirectory) }
        do {
            if let event = try LoggedEvent.find(
                id: id, in: settings.path, bridge: plan.service.name ?? "streambridge")
            {
                return event
            }
            ConfigurationInput.complain("the log \(settings.path) has no event '\(id)'; it may be older than log.retain keeps")
        } catch let error as LogError {
            ConfigurationInput.complain("\(error)")
        }
        throw ExitCode(1)
    }
}
