/// One mistake or doubt in a configuration file: where it is, what is wrong, and what would be right.
package struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    /// Whether the file can still be used.
    package enum Severity: String, Sendable {
        case error
        case warning
    }

    package let severity: Severity
    package let file: String
    /// From 1.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int
    /// Keys from the top, such as `sources.home.url`; empty for the file itself.
    package let path: String
    /// One sentence without a final stop.
    package let message: String

    /// `bridges.yaml:5:11: error: sources.home.url: …`, as compilers write it.
    package var description: String {
        "\(self.file):\(self.line):\(self.column): \(self.severity): \(self.path.isEmpty ? "" : "\(self.path): ")\(self.message)"
    }
}

/// Every mistake of a file, in the order of its lines.
package struct ConfigurationErrors: Error, CustomStringConvertible {
    package let diagnostics: [Diagnostic]

    package var description: String { self.diagnostics.map(\.description).joined(separator: "\n") }
}
