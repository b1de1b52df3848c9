/// Priorities as people write them: a number from 1 to 5, or a word for one.
package enum PriorityText {
    /// The priority of each word, in lower case.
    private static let words: [String: Int] = [
        "min": 1, "lowest": 1, "low": 2, "default": 3, "normal": 3, "medium": 3, "info": 3, "high": 4, "warning": 4, "error": 4,
        "max": 5, "highest": 5, "urgent": 5, "critical": 5, "emergency": 5,
    ]

    /// The accepted values of ``constant(_:)``, for messages.
    package static let allowed = "1 to 5, or low, normal, high, urgent, or another word listed on the page Templates"

    /// The priority that a template has rendered: any number, rounded and clamped to 1…5, or a word; `nil` for anything else.
    static func rendered(_ text: String) -> Int? {
        if let number = Double(decimal: text) { return JSONFields.priority(number) }
        return self.words[text.trimmingSpaces.lowercased()]
    }

    /// The priority that the file or a client names: a whole number from 1 to 5, or a word; `nil` for anything else.
    package static func constant(_ text: String) -> Int? {
        let text = text.trimmingSpaces
        return Int(text).map { (1...5).contains($0) ? $0 : nil } ?? self.words[text.lowercased()]
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The text without leading and trailing spaces and tabs.
    package var trimmingSpaces: String { String(self[...].trimmed) }
}
