/// One error or warning about a configuration file: the location, the mistake and the remedy.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    /// Whether the file is still usable.
    package enum Severity: String, Sendable {
        /// The file is refused.
        case error
        /// The file is used, but a setting is probably a mistake.
        case warning
    }

    /// Whether the file is still usable.
    package let severity: Severity
    /// The file's name as the user gave it.
    package let file: String
    /// The line, from 1.
    package let line: Int
    /// The column, from 1, in Unicode scalars.
    package let column: Int
    /// The keys from the root, such as `sources.home.url`; empty for the file itself.
    package let path: String
    /// The mistake and the remedy, in one sentence without a final stop.
    package let message: String

    /// `bridges.yaml:5:11: error: sources.home.url: …`, as compilers write it.
    package var description: String {
        "\(self.file):\(self.line):\(self.column): \(self.severity): \(self.path.isEmpty ? "" : "\(self.path): ")\(self.message)"
    }
}

/// All errors of a file, in the order of its lines.
package struct ConfigurationErrors: Error, CustomStringConvertible {
    /// The errors; never empty.
    package let diagnostics: [Diagnostic]

    /// The errors in the format of compilers, one per line.
    package var description: String { self.diagnostics.map(\.description).joined(separator: "\n") }
}
