extension SubjectPattern {
    /// Whether a subject may match both patterns; true where that cannot be decided, as for two globs.
    package func mayOverlap(_ other: SubjectPattern) -> Bool {
        if other.syntax == .exact { return self.matches(other.text) }
        if self.syntax == .exact { return other.matches(self.text) }
        guard self.syntax == .mqtt, other.syntax == .mqtt else { return true }
        var mine = LevelIterator(self.text), theirs = LevelIterator(other.text)
        var isFirst = true
        while true {
            switch (mine.next(), theirs.next()) {
            case (nil, nil): return true
            // `#` matches its parent too (MQTT 3.1.1 §4.7.1.2).
            case (nil, let level?), (let level?, nil): return level == "#"
            case (let one?, let two?):
                // A leading wildcard does not match a leading $ (§4.7.2).
                if isFirst, one.utf8.first == UInt8(ascii: "$") || two.utf8.first == UInt8(ascii: "$"), one != two {
                    return false
                }
                isFirst = false
                if one == "#" || two == "#" { return true }
                guard one == "+" || two == "+" || one.utf8.elementsEqual(two.utf8) else { return false }
            }
        }
    }
}
