import BridgeCore

/// Writes YAML in block style, with short lists of scalars on one line.
struct BlockWriter {
    /// A value; a text is a scalar as it is written, with its quotes.
    indirect enum Value {
        case text(String)
        case list([Value])
        case mapping([Entry])
    }

    /// A line of a mapping.
    enum Entry {
        case member(String, Value)
        case comment(String)
    }

    private static let longestLine = 100

    private(set) var text = ""

    /// Writes the outermost value.
    mutating func write(_ value: Value) {
        switch value {
        case .mapping(let entries) where !entries.isEmpty: self.entries(entries, indentation: 0, isContinued: false)
        default: self.text += "\(Self.short(value) ?? "{}")\n"
        }
    }

    private mutating func entries(_ entries: [Entry], indentation: Int, isContinued: Bool) {
        for (index, entry) in entries.enumerated() {
            // The first line of a mapping in a list follows the sign of the item.
            if index > 0 || !isContinued { self.text += String(repeating: " ", count: indentation) }
            switch entry {
            case .comment(let text): self.text += "# \(text)\n"
            case .member(let name, let value):
                self.text += "\(FlowText.scalar(name)):"
                self.value(value, indentation: indentation)
            }
        }
    }

    private mutating func value(_ value: Value, indentation: Int) {
        if let short = Self.short(value) {
            self.text += " \(short)\n"
            return
        }
        switch value {
        case .text(let text): self.text += " \(text)\n"
        case .list(let items):
            self.text += "\n"
            for item in items { self.item(item, indentation: indentation + 2) }
        case .mapping(let entries):
            // A mapping of comments alone would have no value.
            self.text += Self.begins(entries) ? "\n" : " {}\n"
            self.entries(entries, indentation: indentation + 2, isContinued: false)
        }
    }

    private mutating func item(_ item: Value, indentation: Int) {
        self.text += String(repeating: " ", count: indentation) + "-"
        switch item {
        case .mapping(let entries) where !entries.isEmpty && Self.begins(entries):
            self.text += " "
            self.entries(entries, indentation: indentation + 2, isContinued: true)
        default: self.value(item, indentation: indentation)
        }
    }

    /// Whether the first entry is a member: a comment cannot follow the sign of an item.
    private static func begins(_ entries: [Entry]) -> Bool {
        if case .member? = entries.first { true } else { false }
    }

    /// A value on one line; `nil` for a mapping with members and for a list that is too long or has structure.
    private static func short(_ value: Value) -> String? {
        switch value {
        case .text(let text): return text
        case .mapping(let entries): return entries.isEmpty ? "{}" : nil
        case .list(let items):
            let texts = items.compactMap { item -> String? in if case .text(let text) = item { text } else { nil } }
            let line = "[\(texts.joined(separator: ", "))]"
            return texts.count == items.count && line.count <= Self.longestLine ? line : nil
        }
    }
}
