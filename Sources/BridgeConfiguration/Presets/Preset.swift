package import BridgeCore
import YAML

/// The settings of a source or a sink for one well-known peer, in YAML with the keys of a file.
///
/// The comment at the beginning describes the peer: its first line is the summary, and the others name the documentation that the formats
/// come from. `if_given` holds settings that count only where the component has another key:
/// `if_given: { token: { token_header: X-Gitlab-Token } }`.
package struct Preset: Sendable {
    /// What a preset is for.
    package enum Direction: String, Sendable, CaseIterable {
        /// For sources.
        case source
        /// For sinks.
        case sink
    }

    /// What `preset:` says.
    package let name: String
    /// Whether it is for sources or for sinks; each has its own names.
    package let direction: Direction
    /// The settings, with the comment in front of them.
    package let text: String

    /// What the peer requires of the user's own values, beyond the settings.
    let checks: [PresetCheck]

    /// Makes a preset of a text that ``settings`` can read.
    package init(_ name: String, _ direction: Direction, _ text: String) {
        self.init(name, direction, text, checks: [])
    }

    /// Makes a preset that checks values of the file.
    init(_ name: String, _ direction: Direction, _ text: String, checks: [PresetCheck]) {
        self.name = name
        self.direction = direction
        self.text = text
        self.checks = checks
    }

    /// All that the program has.
    package static let shipped = Senders.all + Receivers.all

    /// The first line of the comment.
    package var summary: String {
        String((self.text.split(separator: "\n").first ?? "").drop { $0 == "#" || $0 == " " })
    }

    /// The kind of the component; `nil` when the text does not say it.
    package var kind: ComponentKind? {
        self.settings?["type"]?.string.map { ComponentKind(rawValue: $0) }
    }

    /// The settings with their places in the text; `nil` for a text that is no mapping.
    var settings: Node.Mapping? {
        // Not valid YAML is no mapping either; the tests read all that are shipped.
        (try? Composer.compose(self.text, source: "preset \(self.name)", isBuiltIn: true))?.mapping
    }
}

extension [Preset] {
    /// The names for sources or for sinks.
    package func names(_ direction: Preset.Direction) -> [String] {
        self.filter { $0.direction == direction }.map(\.name).sorted()
    }
}
