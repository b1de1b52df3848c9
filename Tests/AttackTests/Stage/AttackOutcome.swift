/// What one attack did to the program, as seen from outside.
struct AttackOutcome: Sendable {
    var complaints: [String]
    /// What the check itself measured.
    var notes: [String]
    var slowestProbe: Duration
    /// How much resident memory grew over idle, at most; in KiB.
    var growth: Int
    var honestEvents: Int
    /// The end of the program's log.
    var log: String

    var verdict: String { self.complaints.isEmpty ? "held" : "FAILED: \(self.complaints.joined(separator: "; "))" }

    var figures: String {
        let milliseconds = self.slowestProbe / .milliseconds(1)
        let figures = [
            "slowest /livez \(Int(milliseconds)) ms", "memory +\(max(0, self.growth) / 1024) MiB",
            "\(self.honestEvents) honest events",
        ]
        return (figures + self.notes).joined(separator: ", ")
    }
}
