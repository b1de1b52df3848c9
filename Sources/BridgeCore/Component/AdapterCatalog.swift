/// Every kind of source and sink that the program knows, by the name that stands behind `type:`.
///
/// A value, built in one list of the executable. It maps a kind to closures that decode its settings and make the component, so
/// nothing else needs to know the types.
package struct AdapterCatalog: Sendable {
    package private(set) var sources: [ComponentKind: SourceRegistration] = [:]
    package private(set) var sinks: [ComponentKind: SinkRegistration] = [:]

    package init() {}

    /// Traps when a source of this kind is already there: two adapters of one name are a programming mistake.
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

    /// Traps when a sink of this kind is already there.
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

/// One kind of source.
package struct SourceRegistration: Sendable {
    package let kind: ComponentKind
    /// The keys its mapping may have beside the common ones.
    package let keys: [String]
    /// Decodes; ``DecodedSettings/validate()`` is a second step, so that its complaint comes after those of single values.
    package let decode: @Sendable (any Decoder) throws -> DecodedSettings
    package let make: @Sendable (DecodedSettings, ComponentContext) throws -> any Source
}

/// One kind of sink.
package struct SinkRegistration: Sendable {
    package let kind: ComponentKind
    package let keys: [String]
    /// The keys that `with:` of a route may set anew.
    package let perRouteKeys: [String]
    /// See ``SinkConfiguration/retryKeys``.
    package let retryKeys: [String]
    package let decode: @Sendable (any Decoder) throws -> DecodedSettings
    /// Makes the sink from its own settings and those of every `with:`, in that order.
    package let make: @Sendable ([DecodedSettings], ComponentContext) throws -> any Sink
}

/// Settings whose type only their adapter knows.
package struct DecodedSettings: Sendable {
    package let value: any ComponentConfiguration

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
    /// See ``SinkConfiguration/circle(through:)``; `nil` for the settings of a source.
    package func circle(through source: DecodedSettings) -> SettingError? {
        (self.value as? any SinkConfiguration)?.circle(through: source.value)
    }
    /// See ``ComponentConfiguration/acknowledgeConflict(with:)``.
    package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
        self.value.acknowledgeConflict(with: policy)
    }
}
