import BridgeCore

/// The keys of one kind as the terminal shows them: in a column, with the meaning beside it, wrapped at the width.
package struct SettingList {
    /// The columns of a line; `Int.max` wraps nothing, so that each key is on one line.
    private let width: Int
    /// The widest column of keys; a longer key has its meaning on the next line.
    private static let widest = 32
    private static let margin = 2

    /// - Parameter width: the columns of the terminal; `Int.max` wraps nothing.
    package init(width: Int) {
        self.width = width
    }

    /// The lines of a list of keys.
    package func lines(of rows: [SettingRow]) -> [String] {
        let column = min(Self.widest, rows.map(\.key.count).max() ?? 0)
        let hanging = Self.margin + column + 2
        let room = self.width == .max ? Int.max : max(30, self.width - hanging)
        return rows.flatMap { row -> [String] in
            let texts = Self.wrapped(Self.description(of: row), to: room)
            let margin = String(repeating: " ", count: Self.margin), indentation = String(repeating: " ", count: hanging)
            let key = margin + row.key
            let isLong = row.key.count > column && self.width != .max
            let padding = String(repeating: " ", count: max(2, hanging - key.count))
            let first = isLong ? [key, indentation + texts[0]] : [key + padding + texts[0]]
            return first + texts.dropFirst().map { indentation + $0 }
        }
    }

    /// `Size above which a body is refused (size, 1B or more; default: 1MiB; such as 64KiB)`.
    private static func description(of row: SettingRow) -> String {
        let declaration = row.declaration
        var facts = [declaration.type.brief]
        switch declaration.presence {
        case .required: facts.append("required")
        case .optional(let standard?): facts.append("default: \(standard)")
        case .optional(nil): break
        }
        if declaration.isPerRoute { facts.append("also in with") }
        // A default that is a value shows the notation already.
        let hasExample =
            if case .group = declaration.type { false } else { declaration.example != row.standard && !row.isLiteralDefault }
        if hasExample { facts.append("such as \(declaration.example)") }
        return "\(row.summary) (\(facts.joined(separator: "; ")))"
    }

    /// Breaks a text between words; a longer word has a line of its own.
    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = [], line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
