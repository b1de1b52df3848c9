import BridgeCore

extension RedisStreamSource {
    /// How far an earlier run of the program has read; `nil` when unknown.
    ///
    /// Stored as the entry's id; for a member of a group with the stream and the group, so that another group begins at
    /// its configured start.
    var keptPlace: String? {
        self.context.cursors.cursor(of: self.context.name).flatMap {
            Self.place(in: $0, stream: self.configuration.stream, group: self.configuration.group)
        }
    }

    /// The entry's id in a stored cursor; `nil` if it belongs to another stream or group.
    ///
    /// Redis compares names by bytes, so canonically equivalent names are different.
    static func place(in cursor: String, stream: String, group: String?) -> String? {
        let parts = cursor.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard let id = parts.first.map({ String(Substring($0)) }) else { return nil }
        guard let group else { return id }
        return parts.count == 2 && parts[1].elementsEqual("\(stream) \(group)".utf8) ? id : nil
    }

    /// Stores the position up to which everything is safe, for the next run of the program.
    func keepPlace(_ id: String) throws {
        let text = self.configuration.group.map { "\(id) \(self.configuration.stream) \($0)" } ?? id
        try self.context.cursors.move(text, of: self.context.name)
    }
}
