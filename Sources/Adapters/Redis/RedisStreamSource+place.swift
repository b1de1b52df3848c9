import BridgeCore

extension RedisStreamSource {
    /// How far an earlier run of the program has read; `nil` when that is not known.
    ///
    /// Kept as the entry's id; for a member of a group with the stream and the group, so that another group begins where it is told to.
    var keptPlace: String? {
        let parts = self.context.cursors.cursor(of: self.context.name)?.split(separator: " ", maxSplits: 1) ?? []
        guard let id = parts.first else { return nil }
        guard let group = self.configuration.group else { return String(id) }
        return parts.count == 2 && parts[1] == "\(self.configuration.stream) \(group)" ? String(id) : nil
    }

    /// Keeps how far everything is safe, for the next run of the program.
    func keepPlace(_ id: String) throws {
        let text = self.configuration.group.map { "\(id) \(self.configuration.stream) \($0)" } ?? id
        try self.context.cursors.move(text, of: self.context.name)
    }
}
