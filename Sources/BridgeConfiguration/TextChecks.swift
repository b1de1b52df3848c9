import BridgeCore
import YAML

/// Warns of texts that another program would replace and this one uses as written, and of placeholders.
struct TextChecks {
    let findings: Findings

    /// Keys whose values are jq or paths into a message, where a dot begins a path.
    private static let paths: Set<String> = ["from", "when", "of", "payload", "split", "root", "fields", "by"]

    /// - Parameter root: the file, with presets and connections merged.
    func check(_ root: Located) {
        for part in ["sources", "sinks", "routes", "defaults"] {
            if let place = root.child(part) { self.walk(place, part) }
        }
    }

    private func walk(_ place: Located, _ part: String) {
        switch place.node {
        case .mapping: for (_, value) in place.members { self.walk(value, part) }
        case .sequence: for item in place.items { self.walk(item, part) }
        case .scalar(let scalar):
            let key = place.path.last { !$0.hasPrefix("[") } ?? ""
            let warning =
                key == "when"
                ? ConditionChecks.mistake(in: scalar.string)
                : scalar.string.contains("{{")
                    ? Self.mistake(inTemplate: scalar.string) : Self.mistake(in: scalar.string, of: key, place.path, part)
            if let warning { self.findings.warning(warning, at: place) }
        }
    }

    /// A mistake in a text with expressions between `{{` and `}}`.
    private static func mistake(inTemplate text: String) -> String? {
        for part in text.split(separator: "{{", omittingEmptySubsequences: false).dropFirst() {
            let expression = part.prefix(upTo: part.firstRange(of: "}}")?.lowerBound ?? part.endIndex)
            if expression.trimmingSpaces.hasPrefix("env.") {
                let name = expression.trimmingSpaces.dropFirst(4)
                return "the environment is not part of an event; write ${env:\(name)}"
            }
            if let mistake = ConditionChecks.unknownField(in: String(expression)) { return mistake }
        }
        return nil
    }

    private static func mistake(in text: String, of key: String, _ path: [String], _ part: String) -> String? {
        guard !path.contains("json"), !path.contains("normalise") else { return nil }
        // A file may have a hundred thousand texts, of which few have a sign that means something elsewhere.
        var (hasBrace, hasPercent, hasDollar) = (false, false, false)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "{"): hasBrace = true
            case UInt8(ascii: "%"): hasPercent = true
            case UInt8(ascii: "$"): hasDollar = true
            default: break
            }
        }
        if hasBrace, text.contains("{%") {
            return "'{% … %}' is used as written; write jq between braces, such as \"{{ .title }}\""
        }
        if self.isPlaceholder(text) { return "is a placeholder; write the real value" }
        if key == "token", let scheme = ["Bearer ", "bearer ", "Basic "].first(where: { text.hasPrefix($0) }) {
            return "the program writes '\(scheme.prefix(6))' itself; leave it out"
        }
        if part != "sources", key == "path", hasPercent, let sign = ["%Y", "%m", "%d", "%H"].first(where: { text.contains($0) }) {
            return "'\(sign)' is used as written, because a path has no date; 'rotate' begins new files"
        }
        if part != "sources", !self.paths.contains(key), let field = self.pathOfEvent(text) {
            return "is used as written; write \"{{ \(field) }}\""
        }
        guard hasBrace || hasPercent || hasDollar else { return nil }
        return self.placeOfField(in: text, mayHaveDollar: part != "sources" && !self.paths.contains(key))
    }

    /// A field of an event in the notation of another program, such as `{title}`, `%topic%` or `$subject`.
    private static func placeOfField(in text: String, mayHaveDollar: Bool) -> String? {
        for name in EventPath.fieldNames + EventPath.variableNames + ["topic"] {
            let written = EventPath.variableNames.contains(name) ? "$\(name)" : name == "topic" ? "$subject" : ".\(name)"
            for form in ["{\(name)}", "%\(name)%"] where text.contains(form) && !text.contains("$" + form) {
                return "'\(form)' is used as written; write \"{{ \(written) }}\""
            }
            guard mayHaveDollar, name == "subject" || name == "source" else { continue }
            if let range = text.firstRange(of: "$\(name)"), !(text[range.upperBound...].first?.isLetter ?? false) {
                return "'$\(name)' is used as written; write \"{{ $\(name) }}\""
            }
        }
        return nil
    }

    /// A text that is nothing but a path into an event, such as `.payload.name`.
    private static func pathOfEvent(_ text: String) -> String? {
        guard text.hasPrefix("."), text.dropFirst().allSatisfy({ $0.isLetter || $0.isNumber || "._".contains($0) }) else {
            return nil
        }
        let name = text.dropFirst().prefix { $0 != "." }
        return EventPath.fieldNames.contains(String(name)) ? text : nil
    }

    private static func isPlaceholder(_ text: String) -> Bool {
        let isBracketed =
            text.utf8.first == UInt8(ascii: "<") && text.utf8.last == UInt8(ascii: ">")
            && text.utf8.count(where: { $0 == UInt8(ascii: "<") }) == 1
        guard isBracketed || zip(text.utf8, text.utf8.dropFirst()).contains(where: self.mayBeOfPlaceholder) else { return false }
        let upper = text.uppercased()
        if ["CHANGE_ME", "CHANGEME", "CHANGE-ME", "REPLACE_ME", "REPLACEME"].contains(where: { upper.contains($0) }) {
            return true
        }
        return isBracketed && upper.contains("YOUR")
    }

    /// Whether two bytes are the `GE` of `CHANGE` or the `PL` of `REPLACE`, in any case.
    private static func mayBeOfPlaceholder(_ one: UInt8, _ other: UInt8) -> Bool {
        switch (one | 0x20, other | 0x20) {
        case (UInt8(ascii: "g"), UInt8(ascii: "e")), (UInt8(ascii: "p"), UInt8(ascii: "l")): true
        default: false
        }
    }
}
