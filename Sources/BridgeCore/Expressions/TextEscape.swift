/// What a receiver's markup has instead of some characters, `escape:` and `replace:` of a value.
struct TextEscape: Sendable {
    /// The markup of a text.
    enum Markup: String, Sendable, CaseIterable {
        /// HTML's text: `&`, `<` and `>` as entities.
        case html
        /// Slack's, which has the same entities and counts them as sent.
        case mrkdwn
        /// Telegram's `MarkdownV2`: a backslash before each of its signs.
        case markdownV2 = "markdown_v2"
    }

    private let replacements: [Unicode.Scalar: String]
    /// Whether a limit counts characters as sent, and not as a reader sees them.
    private let countsSent: Bool

    /// - Parameter own: by single characters; these count before the markup's.
    init(_ markup: Markup?, _ own: [Unicode.Scalar: String]) {
        var replacements: [Unicode.Scalar: String] = [:]
        switch markup {
        case nil: break
        case .html, .mrkdwn: replacements = ["&": "&amp;", "<": "&lt;", ">": "&gt;"]
        case .markdownV2: for sign in #"\_*[]()~`>#+-=|{}.!"#.unicodeScalars { replacements[sign] = "\\\(sign)" }
        }
        self.replacements = replacements.merging(own) { $1 }
        self.countsSent = markup == .mrkdwn
    }

    /// The text as it is sent.
    func apply(to text: String) -> String {
        guard text.unicodeScalars.contains(where: { self.replacements[$0] != nil }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if let replacement = self.replacements[scalar] {
                result += replacement
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// How much of a limit a character takes.
    func cost(of character: Character, _ unit: TextLimit.Unit) -> Int {
        switch unit {
        case .characters:
            self.countsSent ? self.apply(to: String(character)).unicodeScalars.count : character.unicodeScalars.count
        case .bytes: self.apply(to: String(character)).utf8.count
        }
    }
}

/// How long a text may be at its receiver.
struct TextLimit: Sendable {
    /// What is counted.
    enum Unit: Sendable {
        /// Unicode scalars.
        case characters
        /// Bytes of UTF-8, as sent.
        case bytes
    }

    let count: Int
    let unit: Unit
    /// What a text ends with that was cut; it counts too.
    let ellipsis: String
}
