import YAML

/// Replaces a bad value, so that later mistakes can be found.
///
/// The intended value is unknown: several kinds are tried, and none at all. A mistake that only one of them causes,
/// such as a password that has lost its user, is not reported.
enum StandIn {
    /// No host has such a name (RFC 6761 §6.4); a message with it is about the replacement.
    private static let mark = "stand-in.invalid"

    private static let nodes: [Node?] = [
        nil, Self.text("mqtts://\(Self.mark)"), Self.text("rediss://\(Self.mark)"), Self.text("https://\(Self.mark)/"),
        Self.text(Self.mark), Self.text("/\(Self.mark)"), Self.text("30s"), Self.text("1MiB"), Self.text("1"), Self.text("true"),
        .sequence(Node.Sequence([Self.text(Self.mark)])), .mapping(Node.Mapping([])),
    ]

    private static func text(_ text: String) -> Node {
        .scalar(Node.Scalar(text))
    }

    /// Replaces the bad value, or all of the member of the settings that holds it.
    ///
    /// - Parameter attempt: decodes the settings.
    /// - Returns: the settings with the bad value replaced, and the mistakes of decoding them; `nil` when no
    ///   replacement helps or nothing else is wrong.
    static func replacing<Value>(
        _ failure: SettingsDecoding.Failure, in place: Located, _ attempt: (Located) -> Result<Value, SettingsDecoding.Failure>
    ) -> (Located, Result<Value, SettingsDecoding.Failure>)? {
        for path in [failure.path, Array(failure.path.prefix(1))] {
            var found: [(place: Located, failure: SettingsDecoding.Failure)] = []
            for node in self.nodes {
                guard let changed = place.replacing(path, by: node) else { continue }
                guard case .failure(let next) = attempt(changed) else { return nil }
                // A mapping around the value may need what was taken out of it.
                guard !next.path.isWithin(path), !path.isWithin(next.path), !next.message.contains(self.mark) else { continue }
                found.append((changed, next))
            }
            let counts = found.map { one in found.count { $0.failure.isSame(as: one.failure) } }
            guard let most = counts.max(), let index = counts.firstIndex(of: most) else { continue }
            return (found[index].place, .failure(found[index].failure))
        }
        return nil
    }
}

extension [any CodingKey] {
    /// Whether it leads to a value or into it.
    func isWithin(_ path: Self) -> Bool {
        self.starts(with: path) { $0.stringValue == $1.stringValue }
    }
}

extension SettingsDecoding.Failure {
    fileprivate func isSame(as other: Self) -> Bool {
        self.message == other.message && self.path.elementsEqual(other.path) { $0.stringValue == $1.stringValue }
    }
}

extension Located {
    /// A copy with another node at a path, or with none; `nil` where the path leads nowhere.
    fileprivate func replacing(_ path: some Collection<any CodingKey>, by node: Node?) -> Located? {
        guard let key = path.first else { return node.map { Located(node: $0, path: self.path) } }
        let rest = path.dropFirst()
        if let index = key.intValue, case .sequence(let sequence) = self.node, sequence.items.indices.contains(index) {
            let item = Located(node: sequence.items[index], path: self.path + ["[\(index)]"])
            // Without one item the others would be somewhere else.
            guard let changed = item.replacing(rest, by: node) else { return nil }
            var items = sequence.items
            items[index] = changed.node
            return Located(node: .sequence(Node.Sequence(items, tag: sequence.tag, mark: sequence.mark)), path: self.path)
        }
        guard self.node.mapping != nil, key.intValue == nil else { return nil }
        guard !rest.isEmpty else { return self.replacing(key.stringValue, by: node) }
        guard let changed = self.child(key.stringValue)?.replacing(rest, by: node) else { return nil }
        return self.replacing(key.stringValue, by: changed.node)
    }
}
