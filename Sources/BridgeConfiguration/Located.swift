import BridgeCore
import YAML

/// One node of the file with the path to it.
struct Located {
    let node: Node
    let path: [String]

    func child(_ key: String) -> Located? {
        self.node.mapping?[key].map { Located(node: $0, path: self.path + [key]) }
    }

    /// The members of a mapping in the order of the file.
    var members: [(key: String, value: Located)] {
        (self.node.mapping.map(Array.init) ?? []).compactMap { key, value in
            key.string.map { ($0, Located(node: value, path: self.path + [$0])) }
        }
    }

    /// The items of a sequence; a single scalar or mapping counts as a sequence of one.
    var items: [Located] {
        guard let sequence = self.node.sequence else { return self.isNull ? [] : [self] }
        return sequence.enumerated().map { Located(node: $0.element, path: self.path + ["[\($0.offset)]"]) }
    }

    var isNull: Bool {
        if case .scalar(let scalar) = self.node { scalar.isNull } else { false }
    }

    var text: String? {
        if case .scalar(let scalar) = self.node { scalar.string } else { nil }
    }

    /// Follows a coding path as far as possible.
    func descend(_ codingPath: some Sequence<any CodingKey>) -> Located {
        var place = self
        for key in codingPath {
            if let index = key.intValue, let sequence = place.node.sequence, sequence.indices.contains(index) {
                place = Located(node: sequence[index], path: place.path + ["[\(index)]"])
            } else if let child = place.child(key.stringValue) {
                place = child
            } else {
                break
            }
        }
        return place
    }

    /// The key itself at the end of a coding path, with the path of its mapping.
    func key(at codingPath: [any CodingKey]) -> Located {
        let place = self.descend(codingPath.dropLast())
        let key = place.node.mapping?.first { $0.key.string == codingPath.last?.stringValue }?.key
        return key.map { Located(node: $0, path: place.path) } ?? place
    }

    /// A copy of a mapping without a member, or with one replaced.
    func replacing(_ key: String, by value: Node?) -> Located {
        guard let mapping = self.node.mapping else { return self }
        var pairs = mapping.filter { $0.key.string != key }
        if let value { pairs.append((.scalar(Node.Scalar(key)), value)) }
        return Located(node: .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark)), path: self.path)
    }
}
