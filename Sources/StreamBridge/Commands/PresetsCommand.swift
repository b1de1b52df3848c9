import ArgumentParser
import BridgeConfiguration
import BridgeCore

/// `streambridge presets list|show`.
struct PresetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presets",
        abstract: "List the presets for well-known senders and receivers, or show one.",
        discussion: "`preset: NAME` of a source or a sink takes the settings of the preset; its own keys override them.",
        subcommands: [List.self, Show.self]
    )

    /// `streambridge presets list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List all presets: name, direction, type and description.")

        func run() throws {
            let presets = Preset.shipped
            let width = presets.map(\.name.count).max() ?? 0
            try StandardOutput.write { output in
                for preset in presets {
                    let columns = [
                        PresetsCommand.padded(preset.name, to: width), PresetsCommand.padded(preset.direction.rawValue, to: 6),
                        PresetsCommand.padded(preset.kind?.rawValue ?? "", to: 12), preset.summary,
                    ]
                    try output.add(line: columns.joined(separator: "  "))
                }
            }
        }
    }

    /// `streambridge presets show NAME`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show the YAML of a preset and a complete file that uses it.",
            discussion:
                "Of a name for both directions, it shows both as documents that begin with `--- # source` and `--- # sink`; --source or --sink shows one."
        )

        @Argument(help: "The name of a preset, such as zigbee2mqtt.")
        var name: String

        @Flag(help: "Print only the complete file.")
        var example = false

        @Flag(help: "Print only the preset for sources.")
        var source = false

        @Flag(help: "Print only the preset for sinks.")
        var sink = false

        /// The direction that is wanted; `nil` for each.
        private var direction: Preset.Direction? {
            self.source == self.sink ? nil : self.source ? .source : .sink
        }

        func run() throws {
            let named = Preset.shipped.filter { $0.name == self.name }
            guard !named.isEmpty else {
                let hint = NearestName.hint(for: self.name, among: Set(Preset.shipped.map(\.name)).sorted())
                throw ValidationError("no preset is called '\(self.name)'\(hint)")
            }
            let presets = named.filter { preset in self.direction.map { $0 == preset.direction } ?? true }
            guard !presets.isEmpty else {
                throw ValidationError("'\(self.name)' is a preset for \(named[0].direction)s only; leave the option out")
            }
            try StandardOutput.write { output in
                for preset in presets {
                    if presets.count > 1 { try output.add(line: "--- # \(preset.direction)") }
                    guard !self.example else {
                        try output.add(line: preset.example)
                        continue
                    }
                    try output.add(line: preset.text)
                    try output.add(line: "# A complete file:")
                    for line in preset.example.split(separator: "\n") { try output.add(line: "#   \(line)") }
                }
            }
        }
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
