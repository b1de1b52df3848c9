import YAML

/// Collects what is found while a file is read, so that all of it can be told at once.
final class Findings {
    private let file: String
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []
    /// Text from outside the file and what the file says in its place, the longest first.
    private var concealed: [(value: String, written: String)] = []

    init(file: String) {
        self.file = file
    }

    /// Keeps text from the environment or a file out of every message.
    ///
    /// Fewer than four bytes hide nothing and would tear words apart.
    func conceal(_ value: String, writtenAs written: String) {
        guard value.utf8.count >= 4 else { return }
        self.concealed.append((value: value, written: written))
        self.concealed.sort { $0.value.utf8.count > $1.value.utf8.count }
    }

    func error(_ message: String, at place: Located) {
        let diagnostic = self.diagnostic(.error, message, at: place)
        if !self.errors.contains(diagnostic) { self.errors.append(diagnostic) }
    }

    func warning(_ message: String, at place: Located) {
        self.warnings.append(self.diagnostic(.warning, message, at: place))
    }

    /// A mistake of the YAML itself.
    func error(_ message: String, line: Int, column: Int) {
        self.errors.append(
            Diagnostic(severity: .error, file: self.file, line: line, column: column, path: "", message: message)
        )
    }

    private func diagnostic(_ severity: Diagnostic.Severity, _ message: String, at place: Located) -> Diagnostic {
        Diagnostic(
            severity: severity, file: self.file, line: place.node.mark?.line ?? 1, column: place.node.mark?.column ?? 1,
            path: place.path.joined(separator: ".").replacing(".[", with: "["), message: self.redacted(message)
        )
    }

    private func redacted(_ message: String) -> String {
        var message = message
        for (value, written) in self.concealed { message = message.replacing(value, with: written) }
        return message
    }

    /// Refuses members that nobody reads.
    func refuseUnknownKeys(of place: Located, known: [String]) {
        for (key, _) in place.node.mapping.map(Array.init) ?? [] {
            guard let name = key.string, !known.contains(name) else { continue }
            self.error(
                "unknown key '\(name)'\(NearestName.hint(for: name, among: known))", at: Located(node: key, path: place.path))
        }
    }
}
