/// One error or warning about a configuration file: the location, the mistake and the remedy.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    /// Whether the file is still usable.
    package enum Severity: String, Sendable {
        /// The file is refused.
        case error
        /// The file is used, but a setting is probably a mistake.
        case warning
        /// No mistake: what a probe has found.
        case note
    }

    /// The sort of a mistake, for programs that count or suppress them.
    package enum Rule: String, Sendable, CaseIterable {
        /// The file itself cannot be read.
        case file
        /// The file is not valid YAML.
        case syntax
        /// A key that nothing reads.
        case unknownKey = "unknown-key"
        /// A key that must be there.
        case missing
        /// A value that its key does not take, or that does not fit the others.
        case setting
        /// A `${env:…}` or `${file:…}` that has no value, or text that looks like one.
        case reference
        /// A name of a source or a sink that the file does not have.
        case name
        /// Events that come back to their source.
        case loop
        /// A condition that never holds, or a route that no event reaches.
        case unreachable
        /// A component that no route uses.
        case unused
        /// Something that everybody on the network can use.
        case exposure
        /// A file or a directory that cannot be used.
        case path
        /// The result of trying a peer.
        case connection

        /// The meaning, one sentence without a final stop.
        package var summary: String {
            switch self {
            case .file: "The file cannot be read"
            case .syntax: "The file is not valid YAML"
            case .unknownKey: "A key is unknown"
            case .missing: "A key is missing"
            case .setting: "A value is not valid, or probably not what is meant"
            case .reference: "A reference to the environment or a file has no value"
            case .name: "A source or a sink does not exist"
            case .loop: "Events return to their source"
            case .unreachable: "A condition never holds"
            case .unused: "A source or a sink is not used"
            case .exposure: "Everybody on the network has access"
            case .path: "A file or directory cannot be used"
            case .connection: "A peer was tried"
            }
        }
    }

    /// Whether the file is still usable.
    package let severity: Severity
    /// The sort of the mistake.
    package let rule: Rule
    /// The file's name as the user gave it.
    package let file: String
    /// The line, from 1; 0 for the file as a whole.
    package let line: Int
    /// The column, from 1, in Unicode scalars; 0 for the file as a whole.
    package let column: Int
    /// The keys from the root, such as `sources.home.url`; empty for the file itself.
    package let path: String
    /// The mistake and the remedy, in one sentence without a final stop.
    package let message: String

    /// Makes a diagnostic; without a line it is about the file as a whole.
    package init(
        severity: Severity, rule: Rule, file: String, line: Int = 0, column: Int = 0, path: String = "", message: String
    ) {
        self.severity = severity
        self.rule = rule
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// The remedy, which is what the message ends with; `nil` for a message without one.
    package var hint: String? {
        guard let last = self.message.split(separator: "; ").last, last.count < self.message.count else { return nil }
        return String(last)
    }

    /// `bridges.yaml:5:11`, or the file alone.
    package var place: String { self.line == 0 ? self.file : "\(self.file):\(self.line):\(self.column)" }

    /// `bridges.yaml:5:11: error: sources.home.url: …`, as compilers write it.
    package var description: String {
        "\(self.place): \(self.severity): \(self.path.isEmpty ? "" : "\(self.path): ")\(self.message)"
    }
}

/// All errors of a file, in the order of its lines.
package struct ConfigurationErrors: Error, CustomStringConvertible {
    /// The errors; never empty.
    package let diagnostics: [Diagnostic]

    /// The errors in the format of compilers, one per line.
    package var description: String { self.diagnostics.map(\.description).joined(separator: "\n") }
}
