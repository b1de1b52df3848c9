import BridgeCore
import YAML

/// Puts the rules of presets under the blocks of a source's `normalise`, and those of several presets into blocks of their own.
///
/// A block takes only the rules of its preset: what the source reads, it says itself. Several presets at the source also give it their
/// topics, by which the messages of each are known.
struct BlockMerger {
    let presets: PresetMerger
    let findings: Findings

    private static let normalise = "normalise"
    private static let topics = "subscribe"

    /// A source whose `normalise` is a list, with the presets of its blocks resolved; any other source as it is.
    ///
    /// - Parameters:
    ///   - source: without its own presets.
    ///   - kind: its type, where it is known.
    func resolved(_ source: Located, kind: String?) -> Located {
        guard let list = source.child(Self.normalise), case .sequence(let sequence) = list.node else { return source }
        let blocks = list.items.map { self.block($0, kind: kind) }
        return source.replacing(
            Self.normalise, by: .sequence(Node.Sequence(blocks, tag: sequence.tag, mark: sequence.mark)))
    }

    /// One block: its own keys over the rules of its preset, for the messages of the preset's topics unless it has a `match`.
    private func block(_ place: Located, kind: String?) -> Node {
        guard let named = place.child(PresetKey.name), !named.isNull else { return place.node }
        guard let preset = self.presets.preset(named, .source), let settings = preset.settings else { return place.node }
        if let kind, let other = preset.kind?.rawValue, other != kind {
            self.findings.error(
                "the preset '\(preset.name)' is for \(other), and this source is of the type \(kind); leave it out", at: named)
            return place.replacing(PresetKey.name, by: nil).node
        }
        let own = place.replacing(PresetKey.name, by: nil)
        return PresetMerger.merge(own.node, over: Self.rules(of: settings), [Self.normalise])
    }

    /// The rules of a preset as a block that reads the messages of its topics.
    private static func rules(of settings: Node.Mapping) -> Node {
        let rules = settings[Self.normalise]?.mapping
        var pairs = (rules.map(Array.init) ?? []).map { (key: $0.key, value: $0.value) }
        if let match = Self.match(settings) { pairs.insert((key: .scalar(Node.Scalar("match")), value: match), at: 0) }
        return .mapping(Node.Mapping(pairs, mark: rules?.mark ?? settings.mark))
    }

    /// The filter for the topics of a preset; `nil` for one without topics.
    private static func match(_ settings: Node.Mapping) -> Node? {
        let topics = Self.subscriptions(settings).compactMap { $0.mapping?["topic"] ?? ($0.string == nil ? nil : $0) }
        guard let first = topics.first else { return nil }
        let filter = topics.count == 1 ? first : .sequence(Node.Sequence(topics, mark: first.mark))
        return .mapping(Node.Mapping([(key: .scalar(Node.Scalar("subject")), value: filter)], mark: first.mark))
    }

    private static func subscriptions(_ settings: Node.Mapping) -> [Node] {
        guard let topics = settings[Self.topics] else { return [] }
        return topics.sequence ?? [topics]
    }

    /// Adds the rules of one preset behind the blocks of a source that has a list; any other source as it is.
    func adding(_ settings: Node.Mapping, behind source: Located) -> Located {
        guard case .sequence(let list)? = source.child(Self.normalise)?.node, let rules = settings[Self.normalise] else {
            return source
        }
        return source.replacing(Self.normalise, by: Self.joined(list.items, [rules], list.mark))
    }

    /// The blocks of the file, then those of presets, to which a block for every message leaves nothing.
    private static func joined(_ own: [Node], _ rules: [Node], _ mark: Mark?) -> Node {
        let isForAll = own.contains { $0.mapping != nil && $0.mapping?["match"] == nil }
        return .sequence(Node.Sequence(own + (isForAll ? [] : rules), mark: mark))
    }

    // MARK: Several presets

    /// The settings that several presets give a source: the topics of all, their rules as blocks, and what else they agree on.
    ///
    /// - Parameters:
    ///   - list: the value of `preset`.
    ///   - source: without it.
    /// - Returns: `nil` after a mistake, which is reported.
    func settings(of list: Located, for source: Located) -> Node.Mapping? {
        let before = self.findings.errors.count
        var found: [(preset: Preset, place: Located, settings: Node.Mapping)] = []
        for item in list.items {
            guard let preset = self.presets.preset(item, .source) else { continue }
            if found.contains(where: { $0.preset.name == preset.name }) {
                self.findings.error("is in the list twice; leave one out", at: item)
                continue
            }
            guard let settings = preset.settings.map({ PresetMerger.defaults($0, for: source).mapping }) ?? nil else { continue }
            found.append((preset, item, settings))
        }
        guard let first = found.first, self.findings.errors.count == before else { return nil }
        for (preset, place, settings) in found {
            if let kind = preset.kind, kind != first.preset.kind {
                self.findings.error(
                    "the preset '\(preset.name)' is for \(kind), and '\(first.preset.name)' for \(first.preset.kind?.rawValue ?? ""); "
                        + "write a source for each", at: place)
            } else if Self.match(settings) == nil {
                self.findings.error(
                    "the preset '\(preset.name)' has no topics that distinguish its messages from those of others; write a source for it, "
                        + "or a block of normalise: with match: and this preset:", at: place)
            }
        }
        self.refuseKeys(of: source)
        guard self.findings.errors.count == before, let rest = self.union(found, source, at: list) else { return nil }
        let topics = found.flatMap { Self.subscriptions($0.settings) }
        let own = source.child(Self.normalise)?.node
        let mark = first.settings.mark
        let normalise = Self.joined(own?.sequence ?? [], found.map { Self.rules(of: $0.settings) }, own?.mark ?? mark)
        return Node.Mapping(
            rest + [
                (key: .scalar(Node.Scalar(Self.topics)), value: .sequence(Node.Sequence(Self.distinct(topics), mark: mark))),
                (key: .scalar(Node.Scalar(Self.normalise)), value: normalise),
            ], mark: mark)
    }

    /// Refuses what the file cannot have beside several presets.
    private func refuseKeys(of source: Located) {
        if let topics = source.child(Self.topics), !topics.isNull {
            self.findings.error(
                "replaces the topics by which several presets know their messages; leave it out, or leave the presets out and write "
                    + "normalise: as a list of blocks with match: and preset:",
                at: topics)
        }
        if let normalise = source.child(Self.normalise), normalise.node.mapping != nil {
            self.findings.error(
                "must be a list of blocks beside several presets, of which the first that matches reads a message; "
                    + "write '- ' before it, and match: for its messages",
                at: normalise)
        }
    }

    /// The keys apart from topics and rules; two presets that want different values must be settled in the file.
    private func union(
        _ found: [(preset: Preset, place: Located, settings: Node.Mapping)], _ source: Located, at list: Located
    ) -> [Node.Mapping.Element]? {
        var pairs: [Node.Mapping.Element] = []
        var owners: [String: String] = [:]
        var isSettled = true
        func conflict(_ preset: Preset, _ name: String, _ what: String, _ remedy: String) {
            isSettled = false
            self.findings.error(
                "the presets '\(owners[name] ?? "")' and '\(preset.name)' want different \(what); \(remedy)", at: list)
        }
        for (preset, _, settings) in found {
            for (key, value) in settings {
                guard let name = key.string, ![Self.topics, Self.normalise].contains(name) else { continue }
                if let other = pairs.first(where: { $0.key.string == name }) {
                    let isGiven = source.child(name).map { !$0.isNull } ?? false
                    if !isGiven, !Self.isEqual(other.value, value) {
                        conflict(preset, name, "values of '\(name)'", "write \(name): in the source")
                    }
                    continue
                }
                owners[name] = preset.name
                pairs.append((key: key, value: value))
            }
            for subscription in Self.subscriptions(settings) {
                guard let topic = subscription.mapping?["topic"]?.string ?? subscription.string else { continue }
                let other = found.lazy.flatMap { Self.subscriptions($0.settings) }.first {
                    ($0.mapping?["topic"]?.string ?? $0.string) == topic
                }
                if let other, !Self.isEqual(other, subscription) {
                    conflict(
                        preset, "topic \(topic)", "settings of the topic '\(topic)'",
                        "leave the presets out and write subscribe: with it, and normalise: as a list of blocks with preset:")
                } else {
                    owners["topic \(topic)"] = owners["topic \(topic)"] ?? preset.name
                }
            }
        }
        return isSettled ? pairs : nil
    }

    /// A topic that two presets have is subscribed once.
    private static func distinct(_ topics: [Node]) -> [Node] {
        var kept: [Node] = []
        for topic in topics where !kept.contains(where: { Self.isEqual($0, topic) }) { kept.append(topic) }
        return kept
    }

    /// Whether two nodes have the same value, wherever they are.
    private static func isEqual(_ one: Node, _ other: Node) -> Bool {
        switch (one, other) {
        case (.scalar(let one), .scalar(let other)): return one.string == other.string
        case (.sequence(let one), .sequence(let other)):
            return one.items.count == other.items.count
                && zip(one.items, other.items).allSatisfy { Self.isEqual($0, $1) }
        case (.mapping(let one), .mapping(let other)):
            return one.count == other.count
                && one.allSatisfy { key, value in
                    key.string.flatMap { other[$0] }.map { Self.isEqual(value, $0) } ?? false
                }
        default: return false
        }
    }
}
