import BridgeCore
import YAML

/// A hash of a part of the file as it takes effect: with presets, merge keys and references resolved, without comments, order
/// of keys and notation.
///
/// Secrets are part of the hash and of nothing else.
enum DeclarationFingerprint {
    /// - Parameter settings: what takes effect and is not in the part itself, such as settings of `defaults`.
    static func hash(_ place: Located, _ settings: String...) -> UInt64 {
        var hash = Fingerprint()
        Self.add(place.node, to: &hash)
        for setting in settings { hash.add(setting) }
        return hash.value
    }

    private static func add(_ node: Node, to hash: inout Fingerprint) {
        switch node {
        case .scalar(let scalar):
            hash.add(scalar.isNull ? 0 : 1)
            hash.add(scalar.string)
        case .mapping(let mapping):
            hash.add(2)
            hash.add(UInt64(mapping.count))
            for (key, value) in mapping.sorted(by: { ($0.key.string ?? "") < ($1.key.string ?? "") }) {
                Self.add(key, to: &hash)
                Self.add(value, to: &hash)
            }
        case .sequence(let sequence):
            hash.add(3)
            hash.add(UInt64(sequence.items.count))
            for value in sequence.items { Self.add(value, to: &hash) }
        }
    }
}
