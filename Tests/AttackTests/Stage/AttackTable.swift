/// The results of all checks as a table in Markdown.
struct AttackTable: Sendable {
    private var lines: [String] = []

    mutating func add(_ name: String, _ outcome: AttackOutcome) {
        let cells = [name, outcome.verdict, outcome.figures].map { cell in
            cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|").split(separator: "\n").joined(
                separator: " ")
        }
        self.lines.append("| \(cells.joined(separator: " | ")) |")
    }

    var markdown: String {
        (["| check | result | measured |", "|---|---|---|"] + self.lines).joined(separator: "\n") + "\n"
    }
}
