import BridgeCore
import YAML

/// Hashes of the content of routes that have no name: what is owed by one is found again when routes before it come and go.
///
/// `with:` and the tools of a route are excluded, so that they can be corrected while events are pending or held. If
/// only these distinguish two routes, they are included, so that neither is mistaken for the other.
struct RouteFingerprints {
    private let byPlace: [UInt64?]

    /// - Parameter routes: all of the file, in its order.
    init(_ routes: [Located]) {
        let hashes = routes.map { route in
            route.child("name")?.text == nil ? Self.hash(route, withSettings: false) : nil
        }
        let counts = Dictionary(hashes.compactMap { hash in hash.map { ($0, 1) } }, uniquingKeysWith: +)
        self.byPlace = zip(routes, hashes).map { route, hash in
            guard let hash else { return nil }
            let isTold = counts[hash] == 1 && !Self.namesSinkTwice(route)
            return isTold ? hash : Self.hash(route, withSettings: true)
        }
    }

    /// `nil` for a route with a name.
    func fingerprint(at place: Int) -> UInt64? { self.byPlace[place] }

    /// A hash of the settings in a `with:`; not 0.
    static func settings(_ with: Located) -> UInt64 {
        var hash = Fingerprint()
        Self.add(with.node, to: &hash)
        return max(1, hash.value)
    }

    private static func hash(_ route: Located, withSettings: Bool) -> UInt64 {
        var hash = Fingerprint()
        for (key, value) in route.members.sorted(by: { $0.key < $1.key })
        where key != "to" && !value.isNull && (withSettings || !RouteTools.keys.contains(key)) {
            hash.add(key)
            Self.add(value.node, to: &hash)
        }
        for item in route.child("to")?.items ?? [] {
            hash.add(Self.sink(item))
            if withSettings, let with = item.child("with"), !with.isNull { hash.add(Self.settings(with)) }
        }
        return hash.value
    }

    private static func namesSinkTwice(_ route: Located) -> Bool {
        let sinks = (route.child("to")?.items ?? []).map(Self.sink)
        return Set(sinks).count < sinks.count
    }

    private static func sink(_ item: Located) -> String { item.text ?? item.child("sink")?.text ?? "" }

    /// Adds a node's content, independently of its notation.
    private static func add(_ node: Node, to hash: inout Fingerprint) {
        switch node {
        case .scalar(let scalar):
            hash.add(1)
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
