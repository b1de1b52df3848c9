extension MQTTTopicFilter {
    /// Whether every topic that the other one matches is matched by this one too.
    func covers(_ other: MQTTTopicFilter) -> Bool {
        guard self.mayMatchFirstLevel(of: other) else { return false }
        for (index, level) in self.levels.enumerated() {
            // `a/#` matches `a` too.
            if level == "#" { return true }
            guard index < other.levels.count else { return false }
            let theirs = other.levels[index]
            guard level.utf8.elementsEqual(theirs.utf8) || (level == "+" && theirs != "#") else { return false }
        }
        return self.levels.count == other.levels.count
    }

    /// Whether there are topics that both match.
    func overlaps(_ other: MQTTTopicFilter) -> Bool {
        guard self.mayMatchFirstLevel(of: other), other.mayMatchFirstLevel(of: self) else { return false }
        for index in 0..<max(self.levels.count, other.levels.count) {
            let mine = index < self.levels.count ? self.levels[index] : nil
            let theirs = index < other.levels.count ? other.levels[index] : nil
            if mine == "#" || theirs == "#" { return true }
            guard let mine, let theirs, mine == "+" || theirs == "+" || mine.utf8.elementsEqual(theirs.utf8) else { return false }
        }
        return true
    }

    /// Wildcards at the beginning match no topic that begins with `$` (MQTT 5 §4.7.2).
    private func mayMatchFirstLevel(of other: MQTTTopicFilter) -> Bool {
        other.levels[0].utf8.first != UInt8(ascii: "$") || (self.levels[0] != "#" && self.levels[0] != "+")
    }
}
