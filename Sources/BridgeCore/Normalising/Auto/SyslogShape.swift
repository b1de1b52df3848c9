/// A line of syslog: RFC 5424 (`<165>1 2026-11-28T18:00:00Z web-01 app - - - text`), or the older form of RFC 3164
/// (`<34>Nov 28 18:00:00 web-01 su: text`).
struct SyslogShape {
    /// 1 to 5.
    let priority: Int
    /// The host and the program; `nil` when the line does not name them.
    private(set) var title: String?
    /// The text without the header.
    private(set) var message: String
    /// The time, if it has a zone.
    private(set) var timestamp: Timestamp?

    /// The priority of a severity of RFC 5424 §6.2.1.
    ///
    /// - Parameter severity: 0 (emergency) to 7 (debug).
    static func priority(ofSeverity severity: Int) -> Int {
        [5, 5, 5, 4, 4, 3, 3, 1][severity]
    }

    /// Reads a line; `nil` for a text that does not begin with a number from 0 to 191 in angle brackets.
    init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "<"), let end = text.utf8.prefix(5).firstIndex(of: UInt8(ascii: ">")),
            let number = Int(text[text.index(after: text.startIndex)..<end]), (0...191).contains(number)
        else { return nil }
        self.priority = Self.priority(ofSeverity: number & 7)
        let rest = text[text.index(after: end)...]
        self.message = String(rest.trimmedLines)
        if rest.hasPrefix("1 ") { self.readNew(rest.dropFirst(2)) } else { self.readOld(rest) }
    }

    /// RFC 5424 §6: time, host, program, process, kind, structured data, text; `-` for what is not known.
    private mutating func readNew(_ rest: Substring) {
        let fields = rest.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6 else { return }
        self.timestamp = Timestamp(lenient: String(fields[0]))
        let names = fields[1...2].filter { $0 != "-" && !$0.isEmpty }
        if !names.isEmpty { self.title = names.joined(separator: " ") }
        guard let text = Self.behindData(fields[5]) else { return }
        let trimmed = String((text.first == "\u{FEFF}" ? text.dropFirst() : text).trimmedLines)
        self.message = trimmed.isEmpty ? String(fields[4]) : trimmed
    }

    /// The text behind the structured data of RFC 5424 §6.3.
    private static func behindData(_ rest: Substring) -> Substring? {
        guard rest.first == "[" else { return rest.first == "-" ? rest.dropFirst() : nil }
        var isQuoted = false
        var index = rest.startIndex
        while index < rest.endIndex {
            switch rest[index] {
            case "\\" where isQuoted: index = rest.index(after: index)
            case "\"": isQuoted.toggle()
            case "]" where !isQuoted:
                let next = rest.index(after: index)
                if next == rest.endIndex || rest[next] != "[" { return rest[next...] }
            default: break
            }
            guard index < rest.endIndex else { return nil }
            index = rest.index(after: index)
        }
        return nil
    }

    /// RFC 3164 §4.1: `Nov 28 18:00:00 host program[1]: text`.
    private mutating func readOld(_ rest: Substring) {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let fields = rest.split(separator: " ", maxSplits: 4)
        guard fields.count == 5, months.contains(String(fields[0])), fields[2].utf8.count == 8 else { return }
        self.message = String(fields[4].trimmedLines)
        self.title = String(fields[3])
        guard let colon = fields[4].firstIndex(of: ":"), !fields[4][..<colon].contains(" ") else { return }
        self.title = "\(fields[3]) \(fields[4][..<colon].prefix { $0 != "[" })"
        let text = fields[4][fields[4].index(after: colon)...].trimmedLines
        if !text.isEmpty { self.message = String(text) }
    }
}
