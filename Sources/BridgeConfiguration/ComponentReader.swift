import BridgeCore
import YAML

/// Reads `sources:` and `sinks:` with their defaults.
struct ComponentReader {
    let catalog: AdapterCatalog
    let decoding: SettingsDecoding
    let findings: Findings
    let defaults: Located?
    let limits: EventLimits
    /// Whether the log survives the program.
    let isDurable: Bool

    /// A component with the place it stands at, for what is checked later.
    struct Found<Prepared> {
        var prepared: Prepared
        let place: Located
    }

    func sources(_ place: Located?) -> [Found<PreparedSource>] {
        let defaults = self.defaults?.child("source")
        if let defaults { self.findings.refuseUnknownKeys(of: defaults, known: ["ack", "on_gap", "retry"]) }
        let base = self.decoding.decodeIfPresent(defaults, as: SourceDeclaration.self)
        let baseRetry = self.retry(defaults, over: RetrySettings(attempts: 0), without: ["for"])
        return self.named(place, "source").compactMap { name, place in
            guard let registration = self.registration(place, "source", self.catalog.sources) else { return nil }
            let common = SourceDeclaration.CodingKeys.allCases.map(\.rawValue)
            self.findings.refuseUnknownKeys(of: place, known: common + registration.keys)
            let declaration = self.decoding.decode(place, as: SourceDeclaration.self)
            var normalise = NormaliseSettings(limits: self.limits)
            if let mapping = place.child("normalise") {
                self.findings.refuseUnknownKeys(of: mapping, known: NormaliseSettings.CodingKeys.allCases.map(\.rawValue))
                if let declared = self.decoding.decode(mapping, as: NormaliseSettings.self) { normalise = declared }
                normalise.limits = self.limits
            }
            let retry = self.retry(place, over: baseRetry, without: ["for"])
            guard let settings = self.settings(place, registration.decode), let declaration else { return nil }
            let acknowledge = declaration.acknowledge ?? base?.acknowledge ?? (self.isDurable ? .logged : .delivered)
            if let conflict = settings.acknowledgeConflict(with: acknowledge) {
                self.findings.error(conflict.message, at: place.descend(conflict.path))
            }
            return Found(
                prepared: PreparedSource(
                    name: name, registration: registration, settings: settings, acknowledge: acknowledge, normalise: normalise,
                    emitsGaps: (declaration.onGap ?? base?.onGap ?? .emit) == .emit, retry: retry,
                    isRequired: declaration.isRequired, files: FileReferences.files(of: place, settings)
                ),
                place: place
            )
        }
    }

    func sinks(_ place: Located?) -> [Found<PreparedSink>] {
        let defaults = self.defaults?.child("sink")
        if let defaults { self.findings.refuseUnknownKeys(of: defaults, known: ["buffer", "retry"]) }
        let baseRetry = self.retry(defaults, over: RetrySettings())
        let baseBuffer = self.buffer(defaults, over: self.isDurable ? .onDisk : DeliverySettings())
        let deadLetter = self.defaults?.child("dead_letter")?.text
        return self.named(place, "sink").compactMap { name, place in
            guard let registration = self.registration(place, "sink", self.catalog.sinks) else { return nil }
            let common = SinkDeclaration.CodingKeys.allCases.map(\.rawValue)
            self.findings.refuseUnknownKeys(of: place, known: common + registration.keys)
            let declaration = self.decoding.decode(place, as: SinkDeclaration.self)
            var delivery = self.buffer(place, over: baseBuffer)
            delivery.retry = self.retry(place, over: baseRetry, and: registration.retryKeys)
            delivery.deadLetter = declaration?.deadLetter ?? (deadLetter == name ? nil : deadLetter)
            if delivery.deadLetter == nil, deadLetter == name, place.child("buffer")?.child("on_full") == nil,
                delivery.onFull == .deadLetter
            {
                // The default is meant for the others: where dead letters come to rest, none can be made.
                delivery.onFull = .block
            }
            guard let settings = self.settings(place, registration.decode), let declaration else { return nil }
            return Found(
                prepared: PreparedSink(
                    name: name, registration: registration, variants: [settings], delivery: delivery,
                    isRequired: declaration.isRequired, files: FileReferences.files(of: place, settings)
                ),
                place: place
            )
        }
    }

    /// Decodes an adapter's settings and lets it look at them together.
    ///
    /// - Parameter keys: the settings that warnings are reported of; `nil` for all.
    func settings(
        _ place: Located, warningOf keys: Set<String>? = nil,
        _ decode: @escaping @Sendable (any Decoder) throws -> DecodedSettings
    ) -> DecodedSettings? {
        guard let settings = self.decoding.decode(place, as: decode, validate: { try $0.validate() }) else { return nil }
        for warning in settings.warnings where warning.path.first.map({ keys?.contains($0.stringValue) ?? true }) ?? true {
            self.findings.warning(warning.message, at: place.descend(warning.path))
        }
        return settings
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
                self.findings.error("'\(name)' is no name; letters, digits, '.', '_' and '-' are allowed", at: component)
                return false
            }
            guard component.node.mapping != nil else {
                self.findings.error("must be a mapping with a 'type'", at: component)
                return false
            }
            return true
        }
    }

    private func registration<Registration>(
        _ place: Located, _ noun: String, _ known: [ComponentKind: Registration]
    ) -> Registration? {
        guard let type = place.child("type") else {
            self.findings.error("'type' is missing\(NearestName.hint(for: "", among: known.keys.map(\.rawValue)))", at: place)
            return nil
        }
        let name = type.text ?? ""
        guard let registration = known[ComponentKind(rawValue: name)] else {
            let hint = NearestName.hint(for: name, among: known.keys.map(\.rawValue))
            self.findings.error("no \(noun) is called '\(name)'\(hint)", at: type)
            return nil
        }
        return registration
    }

    /// - Parameters:
    ///   - absent: keys that have no meaning here.
    ///   - own: keys that the adapter reads by itself.
    private func retry(
        _ place: Located?, over base: RetrySettings, without absent: [String] = [], and own: [String] = []
    ) -> RetrySettings {
        guard let retry = place?.child("retry") else { return base }
        let known = RetryDeclaration.CodingKeys.allCases.map(\.rawValue).filter { !absent.contains($0) }
        self.findings.refuseUnknownKeys(of: retry, known: known + own)
        return self.decoding.decode(retry, as: RetryDeclaration.self)?.settings(over: base) ?? base
    }

    private func buffer(_ place: Located?, over base: DeliverySettings) -> DeliverySettings {
        guard let buffer = place?.child("buffer") else { return base }
        self.findings.refuseUnknownKeys(of: buffer, known: BufferDeclaration.CodingKeys.allCases.map(\.rawValue))
        guard let declared = self.decoding.decode(buffer, as: BufferDeclaration.self) else { return base }
        var settings = base
        settings.events = declared.events ?? base.events
        settings.bytes = declared.bytes ?? base.bytes
        settings.onFull = declared.onFull ?? base.onFull
        return settings
    }
}

extension SettingsDecoding {
    func decodeIfPresent<Value: Decodable>(_ place: Located?, as type: Value.Type) -> Value? {
        place.flatMap { self.decode($0, as: type) }
    }
}
