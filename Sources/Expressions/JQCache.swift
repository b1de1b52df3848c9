import BridgeCore

/// The compiled expressions in use, and the latest few that were requested.
///
/// Routes hold those of the file for as long as the program runs. Subscribers hold theirs while they are connected;
/// without the latest few, a client that reconnects or alternates would have the same text compiled each time. A value,
/// guarded by its compiler's lock.
struct JQCache {
    /// How many unused ones are kept.
    static let spare = 32

    private struct Entry {
        weak var expression: JQExpression?
    }

    private var entries: [ExactText: Entry] = [:]
    /// The latest last.
    private var latest: [JQExpression] = []
    /// The number of entries at which unused ones are removed.
    private var fullAt = 2 * Self.spare

    /// How many texts are remembered, whether or not their expressions are still there.
    var count: Int { self.entries.count }

    /// The expression of a text; counts as a request.
    mutating func find(_ text: String) -> JQExpression? {
        guard let expression = self.entries[ExactText(text)]?.expression else { return nil }
        self.keep(expression)
        return expression
    }

    /// Adds an expression.
    mutating func add(_ expression: JQExpression, for text: String) {
        if self.entries.count >= self.fullAt {
            self.entries = self.entries.filter { $0.value.expression != nil }
            // Twice the number in use, so that each entry is checked about once.
            self.fullAt = 2 * max(self.entries.count, Self.spare)
        }
        self.entries[ExactText(text)] = Entry(expression: expression)
        self.keep(expression)
    }

    private mutating func keep(_ expression: JQExpression) {
        if let index = self.latest.lastIndex(where: { $0 === expression }) {
            self.latest.remove(at: index)
        } else if self.latest.count >= Self.spare {
            self.latest.removeFirst()
        }
        self.latest.append(expression)
    }
}
