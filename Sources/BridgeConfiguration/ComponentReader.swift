import BridgeCore
import YAML

/// Reads `sources:` and `sinks:` with their defaults.
struct ComponentReader {
    let catalog: AdapterCatalog
    let decoding: SettingsDecoding
    let findings: Findings
    let defaults: Located?
    let limits: EventLimits
    /// `service.max_hops`.
    let maximumHops: Int
    /// Whether the log survives the program.
    let isDurable: Bool
    /// What `preset:` may name.
    let presets: [Preset]

    /// A component with its location, for later checks.
    struct Found<Prepared> {
        var prepared: Prepared
        let place: Located
    }

    func sources(_ place: Located?) -> [Found<PreparedSource>] {
        let base = self.decoding.decodeIfPresent(self.defaults?.child("source"), group: SourceDefaults.self) ?? SourceDefaults()
        let baseRetry = base.retry.settings(over: RetrySettings(attempts: 0))
        return self.named(place, "source").compactMap { name, place -> Found<PreparedSource>? in
            guard let registration = self.registration(place, "source", self.catalog.sources) else { return nil }
            self.findings.refuseUnknownKeys(of: place, known: SourceDeclaration.settings.declarations, registration.settings)
            let declaration = self.decoding.decode(place, group: SourceDeclaration.self, refusesOthers: false)
            if declaration == nil {
                for block in place.child("normalise")?.items ?? [] { self.reportMistakes(in: block.child("cases")) }
            }
            guard let settings = self.settings(place, registration.decode), let declaration else { return nil }
            let common = declaration.defaults
            let acknowledge = common.acknowledge ?? base.acknowledge ?? (self.isDurable ? .logged : .delivered)
            if let conflict = settings.acknowledgeConflict(with: acknowledge) {
                self.findings.error(conflict.message, at: place.descend(conflict.path))
            }
            for warning in declaration.normalise.warnings {
                self.findings.warning(warning.message, at: place.descend(warning.path))
            }
            var normalise = declaration.normalise
            normalise.limits = self.limits
            if let place = place.child("normalise") { Self.name(&normalise, as: place) }
            return Found(
                prepared: PreparedSource(
                    name: name, registration: registration, settings: settings, acknowledge: acknowledge, normalise: normalise,
                    emitsGaps: (common.onGap ?? base.onGap ?? .emit) == .emit, retry: common.retry.settings(over: baseRetry),
                    isRequired: declaration.isRequired, files: self.files(of: place, settings),
                    fingerprint: DeclarationFingerprint.hash(
                        place, acknowledge.rawValue, "\(common.onGap ?? base.onGap ?? .emit)",
                        "\(common.retry.settings(over: baseRetry))", "\(self.limits)", "\(self.maximumHops)")
                ),
                place: place
            )
        }
    }

    /// Reports every mistake in the parts of cases that were refused.
    private func reportMistakes(in cases: Located?) {
        guard let cases, cases.node.sequence != nil else { return }
        for item in cases.items {
            self.findings.refuseUnknownKeys(of: item, known: CaseParts.keys)
            if let match = item.child("match"), case .mapping(let mapping) = match.node {
                for condition in mapping {
                    let alone = Node.mapping(Node.Mapping([condition], tag: mapping.tag, mark: mapping.mark))
                    _ = self.decoding.decode(Located(node: alone, path: match.path), as: Matcher.self)
                }
            }
            guard let set = item.child("set") else { continue }
            self.findings.refuseUnknownKeys(of: set, known: CaseParts.fields)
            for (name, value) in set.members where !value.isNull {
                _ = self.decoding.decode(value, as: { try CaseParts.read(field: name, $0) })
            }
        }
    }

    /// Gives the blocks and their parts the names that messages call them.
    private static func name(_ blocks: inout NormaliseBlocks, as place: Located) {
        let isList = place.node.sequence != nil
        for (index, block) in place.items.enumerated() where blocks.list.indices.contains(index) {
            blocks.list[index].reading.names = self.presetNames(in: block)
            guard isList else { continue }
            blocks.list[index].name = block.node.mark?.preset ?? "normalise[\(index)]"
            blocks.list[index].reading.place = "normalise[\(index)]."
        }
    }

    /// What messages call the parts of a block of `normalise` that a preset has: `preset hue cases[0]` for the third of all cases.
    private static func presetNames(in normalise: Located) -> [String: String] {
        var names: [String: String] = [:]
        for (key, value) in normalise.members {
            guard key == "cases", let items = value.node.sequence else {
                if let preset = value.node.mark?.preset { names[key] = "\(preset) \(key)" }
                continue
            }
            let ownCount = items.count { $0.mark?.preset == nil }
            for (index, item) in items.enumerated() {
                if let preset = item.mark?.preset { names["cases[\(index)]"] = "\(preset) cases[\(index - ownCount)]" }
            }
        }
        return names
    }

    /// - Parameter further: a sink outside of `sinks`, whose key is its name.
    func sinks(_ place: Located?, further: Located? = nil) -> [Found<PreparedSink>] {
        let base = self.decoding.decodeIfPresent(self.defaults?.child("sink"), group: SinkDefaults.self) ?? SinkDefaults()
        let baseRetry = base.retry.settings(over: RetrySettings())
        let baseBuffer = base.buffer.settings(over: self.isDurable ? .onDisk : DeliverySettings())
        let deadLetter = self.defaults?.child("dead_letter")?.text
        let all = self.named(place, "sink") + (further.map { [($0.path.last ?? "", $0)] } ?? [])
        return all.compactMap { name, place -> Found<PreparedSink>? in
            guard let registration = self.registration(place, "sink", self.catalog.sinks) else { return nil }
            self.findings.refuseUnknownKeys(of: place, known: SinkDeclaration.settings.declarations, registration.settings)
            if let retry = place.child("retry") {
                self.findings.refuseUnknownKeys(
                    of: retry, known: SinkRetryDeclaration.settings.declarations, registration.retrySettings)
            }
            let declaration = self.decoding.decode(place, group: SinkDeclaration.self, refusesOthers: false)
            guard let settings = self.settings(place, registration.decode), let declaration else { return nil }
            var delivery = declaration.defaults.buffer.settings(over: baseBuffer)
            delivery.retry = declaration.defaults.retry.settings(over: baseRetry)
            delivery.deadLetter = declaration.deadLetter ?? (deadLetter == name ? nil : deadLetter)
            if delivery.deadLetter == nil, deadLetter == name, declaration.defaults.buffer.onFull == nil,
                delivery.onFull == .deadLetter
            {
                // The default is meant for other sinks: the dead-letter sink itself can make no dead letters.
                delivery.onFull = .block
            }
            return Found(
                prepared: PreparedSink(
                    name: name, registration: registration, variants: [settings], delivery: delivery,
                    isRequired: declaration.isRequired, files: self.files(of: place, settings),
                    fingerprint: DeclarationFingerprint.hash(place, "\(delivery)")
                ),
                place: place
            )
        }
    }

    /// Decodes and validates an adapter's settings.
    ///
    /// - Parameter keys: the settings that warnings are reported of; `nil` for all.
    func settings(
        _ place: Located, warningOf keys: Set<String>? = nil,
        _ decode: @escaping @Sendable (any Decoder) throws -> any ComponentConfiguration
    ) -> (any ComponentConfiguration)? {
        guard let settings = self.decoding.decode(place, as: decode, validate: { try $0.validate() }) else { return nil }
        for warning in settings.warnings where warning.path.first.map({ keys?.contains($0.stringValue) ?? true }) ?? true {
            self.findings.warning(warning.message, at: place.descend(warning.path))
        }
        return settings
    }

    /// The files that a component names, with their places for later diagnostics.
    private func files(of place: Located, _ settings: any ComponentConfiguration) -> [ReferredFile] {
        let files = FileReferences.files(of: place, settings)
        for file in files { self.findings.locate(file.setting, in: place) }
        return files
    }

    private func named(_ place: Located?, _ noun: String) -> [(String, Located)] {
        guard let place, !place.isNull else { return [] }
        guard place.node.mapping != nil else {
            let remedy = place.node.sequence == nil ? "" : "; write 'NAME:' in place of each '- '"
            self.findings.error("must be a mapping of names to \(noun)s\(remedy)", at: place)
            return []
        }
        return place.members.filter { name, component in
            guard let first = name.utf8.first, BridgeLoader.isNameByte(first), name.utf8.allSatisfy(BridgeLoader.isNameByte)
            else {
                self.findings.error("invalid name '\(name)'; use letters, digits, '.', '_' and '-'", at: component)
                return false
            }
            guard component.node.mapping != nil else {
                self.findings.error("must be a mapping with a 'type' or a 'preset'", at: component)
                return false
            }
            return true
        }
    }

    private func registration<Registration>(
        _ place: Located, _ noun: String, _ known: [ComponentKind: Registration]
    ) -> Registration? {
        // A connection that is left could not be resolved, which has been reported.
        if let connection = place.child(ConnectionKey.name), !connection.isNull { return nil }
        guard let type = place.child("type") else {
            // A preset that is left could not be resolved, which has been reported.
            if let preset = place.child(PresetKey.name), !preset.isNull { return nil }
            self.findings.error(
                "'type' is missing\(NearestName.hint(for: "", among: known.keys.map(\.rawValue)))", at: place, rule: .missing)
            return nil
        }
        let name = type.text ?? ""
        guard let registration = known[ComponentKind(rawValue: name)] else {
            let isPreset = self.presets.contains { $0.name == name && $0.direction.rawValue == noun }
            let hint =
                isPreset
                ? "; it is a preset, so write preset: \(name)" : NearestName.hint(for: name, among: known.keys.map(\.rawValue))
            self.findings.error("no \(noun) is called '\(name)'\(hint)", at: type)
            return nil
        }
        return registration
    }
}

extension SettingsDecoding {
    /// Reads a mapping with declared keys.
    ///
    /// - Parameter refusesOthers: whether other keys are refused.
    /// - Returns: `nil` when there is any mistake.
    func decode<Group: SettingGroup>(_ place: Located, group: Group.Type, refusesOthers: Bool = true) -> Group? {
        self.decode(place) { try Group(settings: $0, refusesOthers: refusesOthers) }
    }

    /// The same; `nil` also when there is no mapping.
    func decodeIfPresent<Group: SettingGroup>(_ place: Located?, group: Group.Type) -> Group? {
        place.flatMap { self.decode($0, group: group) }
    }

    func decodeIfPresent<Value: Decodable>(_ place: Located?, as type: Value.Type) -> Value? {
        place.flatMap { self.decode($0, as: type) }
    }
}

extension Mark {
    /// The name of the preset in messages; `nil` for a value of the file.
    fileprivate var preset: String? { self.isBuiltIn ? self.source : nil }
}
