extension SubjectPattern {
    /// A name, or an MQTT filter over names if it contains `+` or `#`, as in requests and grants of clients.
    ///
    /// - Throws: ``SettingError`` for what its syntax does not allow.
    package init(name text: String) throws(SettingError) {
        try self.init(text, syntax: text.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") } ? .mqtt : .exact)
    }

    /// Whether it matches everything that the other pattern matches.
    ///
    /// For names and MQTT filters (MQTT 3.1.1 §4.7); a glob covers only itself and the exact subjects that it matches.
    package func covers(_ other: SubjectPattern) -> Bool {
        if self == other { return true }
        if other.syntax == .exact { return self.matches(other.text) }
        guard self.syntax == .mqtt, other.syntax == .mqtt else { return false }
        let slash = UInt8(ascii: "/")
        let mine = self.text.utf8.split(separator: slash, omittingEmptySubsequences: false)
        let theirs = other.text.utf8.split(separator: slash, omittingEmptySubsequences: false)
        func isWildcard(_ level: Substring.UTF8View, _ wildcard: StaticString) -> Bool {
            level.count == 1 && level.first == wildcard.utf8Start.pointee
        }
        // A leading wildcard does not match a leading $ (§4.7.2).
        if theirs.first?.first == UInt8(ascii: "$"), let first = mine.first, isWildcard(first, "#") || isWildcard(first, "+") {
            return false
        }
        for (index, level) in mine.enumerated() {
            if isWildcard(level, "#") { return true }
            guard index < theirs.count,
                level.elementsEqual(theirs[index]) || (isWildcard(level, "+") && !isWildcard(theirs[index], "#"))
            else { return false }
        }
        return theirs.count == mine.count
    }
}
