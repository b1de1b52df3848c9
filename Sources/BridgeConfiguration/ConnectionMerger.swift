import BridgeCore
import YAML

/// Puts the settings of `connections` under those of the sources and sinks that name one with `connection`.
///
/// A connection holds what several components share: an address, credentials, TLS. Mappings are merged; a list or a scalar of the component
/// replaces that of the connection. Every value keeps its place, so that a mistake in a connection is reported where it is written.
final class ConnectionMerger {
    /// The key of the file that holds the connections by name.
    static let key = "connections"

    private let findings: Findings
    private var used: Set<String> = []

    init(findings: Findings) {
        self.findings = findings
    }

    /// The file without `connections`, which are merged into the components; `connection` is left where that is not possible.
    ///
    /// - Parameter blocks: the keys of the file whose value is a component.
    func merged(_ root: Located, blocks: Set<String>) -> Located {
        guard case .mapping(let mapping) = root.node else { return root }
        let connections = self.connections(of: root)
        let pairs = mapping.filter { $0.key.string != Self.key }.map { key, value -> Node.Mapping.Element in
            guard let name = key.string, let part = root.child(name) else { return (key, value) }
            if blocks.contains(name) { return (key, self.component(part, "sink", connections)) }
            guard let noun = ["sources": "source", "sinks": "sink"][name], case .mapping(let components) = value else {
                return (key, value)
            }
            let merged = components.map { key, value in
                let place = Located(node: value, path: part.path + [key.string ?? "?"])
                return (key: key, value: self.component(place, noun, connections))
            }
            return (key, .mapping(Node.Mapping(merged, tag: components.tag, mark: components.mark)))
        }
        for (name, place) in connections.sorted(by: { $0.key < $1.key }) where !self.used.contains(name) {
            self.findings.warning("no source or sink uses this connection", at: place)
        }
        return Located(node: .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark)), path: root.path)
    }

    private func connections(of root: Located) -> [String: Located] {
        guard let place = root.child(Self.key), !place.isNull else { return [:] }
        guard place.node.mapping != nil else {
            self.findings.error("must be a mapping of names to connections", at: place)
            return [:]
        }
        var connections: [String: Located] = [:]
        for (name, connection) in place.members {
            guard connection.node.mapping != nil else {
                self.findings.error("must be a mapping of the keys that sources and sinks share, such as 'url'", at: connection)
                continue
            }
            for key in [ConnectionKey.name, PresetKey.name] {
                guard let inner = connection.child(key) else { continue }
                self.findings.error("a connection cannot have a '\(key)'; write it at the source or sink", at: inner)
            }
            connections[name] = connection.replacing(ConnectionKey.name, by: nil).replacing(PresetKey.name, by: nil)
        }
        return connections
    }

    private func component(_ place: Located, _ noun: String, _ connections: [String: Located]) -> Node {
        guard let named = place.child(ConnectionKey.name), !named.isNull else { return place.node }
        guard let name = named.text else {
            self.findings.error("must be the name of a connection", at: named)
            return place.node
        }
        guard let connection = connections[name] else {
            self.findings.error(
                "no connection is called '\(name)'\(NearestName.hint(for: name, among: Array(connections.keys)))", at: named)
            return place.node
        }
        self.used.insert(name)
        let own = place.replacing(ConnectionKey.name, by: nil)
        if let type = own.child("type"), !type.isNull, let other = connection.child("type"), type.text != other.text {
            self.findings.error(
                "the connection '\(name)' is for \(other.text ?? "another type"); leave one 'type' out", at: type)
        }
        return Self.merge(own.node, over: connection.node)
    }

    private static func merge(_ own: Node, over base: Node) -> Node {
        guard case .mapping(let mapping) = own, case .mapping(let more) = base else { return own }
        var pairs = mapping.map { key, value -> Node.Mapping.Element in
            guard let name = key.string, let inherited = more[name] else { return (key, value) }
            return (key, Self.merge(value, over: inherited))
        }
        pairs += more.filter { key, _ in key.string.map { mapping[$0] == nil } ?? false }
        return .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark))
    }
}

/// `connection:` of a source or a sink, which is resolved before the component is decoded.
enum ConnectionKey {
    static let name = "connection"

    static func setting<Root: SettingGroup>(_ path: any WritableKeyPath<Root, String?> & Sendable) -> Setting<Root> {
        Setting(
            Self.name, path, .text("name of a connection"),
            "Settings shared through connections, which the other keys override"
        ).example("broker")
    }
}
