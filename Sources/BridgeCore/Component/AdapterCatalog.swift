/// The kinds of sources and sinks that the program supports, by the value of `type:`.
///
/// The executable builds one value. It maps a kind to closures that decode its settings and make the component, so that
/// no other code depends on the types.
package struct AdapterCatalog: Sendable {
    /// The registered kinds of sources.
    package private(set) var sources: [ComponentKind: SourceRegistration] = [:]
    /// The registered kinds of sinks.
    package private(set) var sinks: [ComponentKind: SinkRegistration] = [:]

    /// Makes an empty catalog.
    package init() {}

    /// Registers a kind of source; traps when the kind is registered already, which is a programming error.
    package mutating func add<S: Source>(_ source: S.Type) {
        precondition(self.sources[S.kind] == nil, "a source of kind \(S.kind) is registered twice")
        self.sources[S.kind] = SourceRegistration(
            kind: S.kind,
            keys: S.Configuration.CodingKeys.allCases.map(\.stringValue),
            decode: { try DecodedSettings(S.Configuration(from: $0)) },
            make: { settings, context in
                guard let configuration = settings.value as? S.Configuration else {
                    preconditionFailure("the settings of \(S.kind) were decoded as \(type(of: settings.value))")
                }
                return try S(configuration: configuration, context: context)
            }
        )
    }

    /// Registers a kind of sink; traps when the kind is registered already.
    package mutating func add<S: Sink>(_ sink: S.Type) {
        precondition(self.sinks[S.kind] == nil, "a sink of kind \(S.kind) is registered twice")
        self.sinks[S.kind] = SinkRegistration(
            kind: S.kind,
            keys: S.Configuration.CodingKeys.allCases.map(\.stringValue),
            perRouteKeys: S.Configuration.perRouteKeys.map(\.stringValue),
            retryKeys: S.Configuration.retryKeys,
            decode: { try DecodedSettings(S.Configuration(from: $0)) },
            make: { variants, context in
                let configurations = variants.map { settings in
                    guard let configuration = settings.value as? S.Configuration else {
                        preconditionFailure("the settings of \(S.kind) were decoded as \(type(of: settings.value))")
                    }
                    return configuration
                }
                return try S(variants: configurations, context: context)
            }
        )
    }
}

/// The registration of one kind of source.
package struct SourceRegistration: Sendable {
    /// The value of `type:`.
    package let kind: ComponentKind
    /// The keys that its mapping may have in addition to the common ones.
    package let keys: [String]
    /// Decodes the settings; ``DecodedSettings/validate()`` follows, so that its error comes after those of single
    /// values.
    package let decode: @Sendable (any Decoder) throws -> DecodedSettings
    /// Makes the source and throws what its `init` throws; traps for settings of another kind.
    package let make: @Sendable (DecodedSettings, ComponentContext) throws -> any Source
}

/// The registration of one kind of sink.
package struct SinkRegistration: Sendable {
    /// The value of `type:`.
    package let kind: ComponentKind
    /// The keys that its mapping may have in addition to the common ones.
    package let keys: [String]
    /// The keys that `with:` of a route can override.
    package let perRouteKeys: [String]
    /// See ``SinkConfiguration/retryKeys``.
    package let retryKeys: [String]
    /// Decodes the settings; ``DecodedSettings/validate()`` follows.
    package let decode: @Sendable (any Decoder) throws -> DecodedSettings
    /// Makes the sink from its own settings, followed by those of every `with:`; traps for settings of another kind.
    package let make: @Sendable ([DecodedSettings], ComponentContext) throws -> any Sink
}

/// Settings whose type only their adapter knows.
package struct DecodedSettings: Sendable {
    /// The settings, of the adapter's type.
    package let value: any ComponentConfiguration

    /// Wraps the settings of an adapter.
    package init(_ value: any ComponentConfiguration) {
        self.value = value
    }

    /// See ``ComponentConfiguration/validate()``.
    package func validate() throws { try self.value.validate() }
    /// See ``ComponentConfiguration/warnings``.
    package var warnings: [SettingError] { self.value.warnings }
    /// See ``ComponentConfiguration/exclusiveResources``.
    package var exclusiveResources: [Resource] { self.value.exclusiveResources }
    /// See ``ComponentConfiguration/files``.
    package var files: [ReferredFile] { self.value.files }
    /// See ``ComponentConfiguration/readPlaces``.
    package var readPlaces: [ReadPlace] { self.value.readPlaces }
    /// See ``SinkConfiguration/writtenPlace``; `nil` for the settings of a source.
    package var writtenPlace: WrittenPlace? { (self.value as? any SinkConfiguration)?.writtenPlace }
    /// See ``SinkConfiguration/contention``; `nil` for the settings of a source.
    package var contention: ((Resource, _ owner: String) -> SettingError?)? {
        (self.value as? any SinkConfiguration)?.contention
    }
    /// See ``ComponentConfiguration/acknowledgeConflict(with:)``.
    package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
        self.value.acknowledgeConflict(with: policy)
    }
}
