import BridgeConfiguration

/// What the probe of one peer found.
struct ProbeResult: Sendable, Equatable {
    /// How it ended.
    enum Verdict: String, Sendable {
        /// The peer can be used.
        case ok
        /// The peer cannot be used.
        case failed
        /// The adapter has no probe.
        case notProbed = "not probed"
    }

    let verdict: Verdict
    /// The place in the file, such as `sources.home`.
    let component: String
    /// What was tried, and what was found.
    let message: String

    /// For the notations that programs read: an error, or a note that begins with the verdict.
    func diagnostic(of file: String) -> Diagnostic {
        let isFailed = self.verdict == .failed
        return Diagnostic(
            severity: isFailed ? .error : .note, rule: .connection, file: file, path: self.component,
            message: isFailed ? self.message : "\(self.verdict.rawValue): \(self.message)")
    }

    /// One line for people.
    var line: String {
        let padding = String(repeating: " ", count: 11 - self.verdict.rawValue.count)
        return "\(self.verdict.rawValue)\(padding)\(self.component): \(self.message)"
    }
}
