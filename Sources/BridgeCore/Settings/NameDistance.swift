/// The edit distance between a misspelt name and a known one.
package enum NameDistance {
    /// Counts the insertions, deletions, substitutions and swaps of neighbours from one to the other; ignores case.
    ///
    /// The time is proportional to the product of the lengths: bound text from peers.
    package static func between(_ first: String, _ second: String) -> Int {
        let first = Array(first.lowercased()), second = Array(second.lowercased())
        var rows = [Array(0...second.count)]
        for (line, character) in first.enumerated() {
            var row = [line + 1]
            for (column, other) in second.enumerated() {
                var best = min(rows[line][column + 1] + 1, row[column] + 1, rows[line][column] + (character == other ? 0 : 1))
                if line > 0, column > 0, character == second[column - 1], first[line - 1] == other {
                    best = min(best, rows[line - 1][column - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}
