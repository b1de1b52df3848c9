import BridgeCore
import YAML

/// Puts the settings of presets under those of the components that name one.
///
/// Mappings are merged; a list or a scalar of the file replaces that of the preset. Only the `cases` of `normalise` are joined: those of the
/// file come first. Every value keeps its place, in the file or in the preset.
struct PresetMerger {
    let presets: [Preset]
    let findings: Findings

    /// Settings of a preset that count only where the component has another key.
    private static let conditional = "if_given"

    /// The file with all presets resolved; `preset` is left where that is not possible.
    func merged(_ root: Located) -> Located {
        guard case .mapping(let mapping) = root.node else { return root }
        let pairs = mapping.map { key, value -> Node.Mapping.Element in
            guard let name = key.string, let part = root.child(name) else { return (key, value) }
            switch name {
            case "sources": return (key, self.components(part, .source))
            case "sinks": return (key, self.components(part, .sink))
            case "routes":
                for route in part.items { self.checkTargets(of: route, sinks: root.child("sinks")) }
                return (key, value)
            default: return (key, value)
            }
        }
        return Located(node: .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark)), path: root.path)
    }

    private func components(_ place: Located, _ direction: Preset.Direction) -> Node {
        guard case .mapping(let mapping) = place.node else { return place.node }
        let pairs = mapping.map { key, value in
            let component = Located(node: value, path: place.path + [key.string ?? "?"])
            return (key: key, value: self.component(component, direction))
        }
        return .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark))
    }

    private func component(_ place: Located, _ direction: Preset.Direction) -> Node {
        let blocks = BlockMerger(presets: self, findings: self.findings)
        guard let named = place.child(PresetKey.name), !named.isNull else {
            return direction == .source ? blocks.resolved(place, kind: place.child("type")?.text).node : place.node
        }
        var own = place.replacing(PresetKey.name, by: nil)
        if direction == .source, let list = named.node.sequence, list.count != 1 {
            guard !list.isEmpty else {
                self.findings.error("is empty; write the name of a preset, or leave it out", at: named)
                return place.node
            }
            let kind = named.items.lazy.compactMap { self.preset(named: $0.text, .source)?.kind?.rawValue }.first
            own = blocks.resolved(self.withoutType(own, named.items[0].text ?? "", kind), kind: kind)
            guard let settings = blocks.settings(of: named, for: own) else { return place.node }
            for item in named.items {
                guard let preset = self.preset(named: item.text, .source), let settings = preset.settings else { continue }
                own = self.checked(own, preset, settings)
            }
            return Self.placed(Self.merge(own.replacing("normalise", by: nil).node, over: .mapping(settings), []), own.node.mark)
        }
        let item = direction == .source ? named.items.first ?? named : named
        guard let preset = self.preset(item, direction), let settings = preset.settings else { return place.node }
        own = self.withoutType(own, preset.name, preset.kind?.rawValue)
        if direction == .source {
            own = blocks.adding(settings, behind: blocks.resolved(own, kind: preset.kind?.rawValue))
        }
        own = self.checked(own, preset, settings)
        return Self.placed(Self.merge(own.node, over: Self.defaults(settings, for: own), []), own.node.mark)
    }

    /// The component without a `type` that is not that of its preset, which is reported.
    private func withoutType(_ own: Located, _ name: String, _ kind: String?) -> Located {
        guard let type = own.child("type"), !type.isNull, type.text != kind else { return own }
        self.findings.error("the preset '\(name)' is for \(kind ?? "another type"); leave 'type' out", at: type)
        return own.replacing("type", by: nil)
    }

    /// The component without keys that its preset makes a mistake, which are reported.
    private func checked(_ own: Located, _ preset: Preset, _ settings: Node.Mapping) -> Located {
        self.check(own, preset, settings)
        guard let remedy = self.remedy(forSecretOf: own, preset, settings) else { return own }
        self.findings.error("unknown key 'secret'\(remedy)", at: own.key(at: [SettingKey("secret")]))
        return own.replacing("secret", by: nil)
    }

    /// Checks the settings that routes override for a sink with a preset.
    private func checkTargets(of route: Located, sinks: Located?) {
        for target in route.child("to")?.items ?? [] {
            guard let with = target.child("with"), let name = target.child("sink")?.text,
                let preset = sinks?.child(name)?.child(PresetKey.name)?.text.flatMap({ self.preset(named: $0, .sink) }),
                let settings = preset.settings
            else { continue }
            self.check(with, preset, settings)
        }
    }

    /// Reports what the peer would refuse in the settings of the file, and a `null` in place of what the preset requires.
    private func check(_ own: Located, _ preset: Preset, _ settings: Node.Mapping) {
        for check in preset.checks {
            // What an event names as a whole is not known here.
            guard let value = own.child(check.key), let text = value.text, !value.isNull, !text.hasPrefix("{{"),
                let problem = check.problem(text)
            else { continue }
            self.findings.error(problem, at: value)
        }
        for (key, value) in own.members where value.isNull {
            guard let required = settings[key].flatMap({ Self.required(in: $0, key) }) else { continue }
            let hasBody = key == "json" && own.child("body")?.isNull == false
            guard !hasBody else { continue }
            let remedy = key == "json" ? "; leave it out, or write the whole body as body: or json:" : "; leave it out"
            self.findings.error("removes what the preset '\(preset.name)' needs, such as \(required)\(remedy)", at: value)
        }
    }

    /// What to write for a key `secret`, which the peer calls so; `nil` when there is none, or nothing is known.
    private func remedy(forSecretOf own: Located, _ preset: Preset, _ settings: Node.Mapping) -> String? {
        guard own.child("secret") != nil else { return nil }
        let conditional = settings[Self.conditional]?.mapping
        // The comment of a preset says which of the two its sender has.
        if conditional?["signature"] != nil || preset.text.contains("`signature: { secret") {
            return "; write signature: { secret: … }"
        }
        return conditional?["token"] != nil || preset.text.contains("`token`") ? "; did you mean 'token'?" : nil
    }

    /// The path of the first value within a node that the file must replace.
    private static func required(in node: Node, _ path: String) -> String? {
        guard let mapping = node.mapping else { return nil }
        if mapping.count == 1, mapping["required"] != nil { return path }
        return mapping.lazy.compactMap { key, value in key.string.flatMap { self.required(in: value, "\(path).\($0)") } }.first
    }

    /// The preset that a value of the file names; `nil` for none, which is reported.
    func preset(_ named: Located, _ direction: Preset.Direction) -> Preset? {
        guard let name = named.text else {
            self.findings.error("must be text", at: named)
            return nil
        }
        guard let preset = self.preset(named: name, direction), preset.settings != nil else {
            self.findings.error(self.refusal(of: name, direction), at: named)
            return nil
        }
        return preset
    }

    private func preset(named name: String?, _ direction: Preset.Direction) -> Preset? {
        self.presets.first { $0.name == name && $0.direction == direction }
    }

    /// Gives each value that the file must replace the place of the mapping in the file that lacks it.
    private static func placed(_ node: Node, _ mark: Mark?) -> Node {
        switch node {
        case .scalar: return node
        case .sequence(let list):
            return .sequence(Node.Sequence(list.items.map { self.placed($0, mark) }, tag: list.tag, mark: list.mark))
        case .mapping(let mapping):
            let isOwn = mapping.mark?.isBuiltIn != true
            let place = isOwn ? mapping.mark ?? mark : mark
            let isMissing = !isOwn && mapping.count == 1 && mapping["required"] != nil
            let pairs = mapping.map { (key: $0.key, value: self.placed($0.value, place)) }
            return .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: isMissing ? place : mapping.mark))
        }
    }

    private func refusal(of name: String, _ direction: Preset.Direction) -> String {
        let other: Preset.Direction = direction == .source ? .sink : .source
        let names = self.presets.names(direction)
        let list = names.joined(separator: ", ")
        if self.presets.names(other).contains(name) {
            return "the preset '\(name)' is for \(other)s; those for \(direction)s are \(list)"
        }
        let hint = NearestName.hint(for: name, among: names)
        return "no preset for \(direction)s is called '\(name)'\(hint)\(hint.hasSuffix("?") ? " (\(list))" : "")"
    }

    /// The settings of the preset that count beside the component's own.
    static func defaults(_ settings: Node.Mapping, for own: Located) -> Node {
        var base = Node.mapping(Node.Mapping(settings.filter { $0.key.string != Self.conditional }, mark: settings.mark))
        for (key, more) in settings[Self.conditional]?.mapping.map(Array.init) ?? [] {
            if let name = key.string, let given = own.child(name), !given.isNull { base = Self.merge(more, over: base, []) }
        }
        return base
    }

    /// - Parameter path: the keys that lead to both, from the component.
    static func merge(_ own: Node, over base: Node, _ path: [String]) -> Node {
        if path == ["normalise", "cases"], case .sequence(let list) = own, case .sequence(let more) = base {
            // A case for every message leaves nothing to the preset.
            let isForAll = list.items.contains { $0.mapping != nil && $0.mapping?["match"] == nil }
            return isForAll ? own : .sequence(Node.Sequence(list.items + more.items, tag: list.tag, mark: list.mark))
        }
        guard case .mapping(let mapping) = own, case .mapping(let more) = base else { return own }
        var pairs = mapping.compactMap { key, value -> Node.Mapping.Element? in
            guard let name = key.string, let inherited = Self.value(of: name, in: more, path) else { return (key, value) }
            // Within the value of a key, null removes what the preset has, unless that must be given.
            if !path.isEmpty, case .scalar(let scalar) = value, scalar.isNull {
                return inherited.mapping?["required"] == nil ? nil : (key, inherited)
            }
            return (key, Self.merge(value, over: inherited, path + [name]))
        }
        pairs += more.filter { key, _ in key.string.map { Self.value(of: $0, in: mapping, path) == nil } ?? false }
        return .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark))
    }

    /// The value of a key; the case of a header's name does not matter (RFC 9110 §5.1).
    private static func value(of name: String, in mapping: Node.Mapping, _ path: [String]) -> Node? {
        guard path == ["headers"] else { return mapping[name] }
        return mapping.first { $0.key.string?.lowercased() == name.lowercased() }?.value
    }
}
