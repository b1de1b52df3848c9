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
    package mutating func add<S: Source>(_ source: S.Type) { self.register(source: source) }

    /// Registers a kind of source whose messages can be written in a test.
    package mutating func add<S: RehearsableSource>(_ source: S.Type) {
        self.register(source: source)
        self.sources[S.kind]?.sample = SampleRegistration(S.self)
    }

    private mutating func register<S: Source>(source: S.Type) {
        precondition(self.sources[S.kind] == nil, "a source of kind \(S.kind) is registered twice")
        self.sources[S.kind] = SourceRegistration(
            kind: S.kind,
            declareSettings: { S.Configuration.settings.declarations },
            decode: { try S.Configuration(component: $0) },
            make: { try S(configuration: Self.settings($0, of: S.kind), context: $1) }
        )
    }

    /// Registers a kind of sink; traps when the kind is registered already.
    package mutating func add<S: Sink>(_ sink: S.Type) { self.register(sink: sink) }

    /// Registers a kind of sink whose messages can be seen without a connection.
    package mutating func add<S: PreviewingSink>(_ sink: S.Type) {
        self.register(sink: sink)
        self.sinks[S.kind]?.preview = { try S.preview(variants: $0.map { Self.settings($0, of: S.kind) }, context: $1) }
    }

    private mutating func register<S: Sink>(sink: S.Type) {
        precondition(self.sinks[S.kind] == nil, "a sink of kind \(S.kind) is registered twice")
        self.sinks[S.kind] = SinkRegistration(
            kind: S.kind,
            declareSettings: { S.Configuration.settings.declarations },
            declareRetrySettings: { S.Configuration.retrySettings.declarations },
            decode: { try S.Configuration(component: $0) },
            make: { try S(variants: $0.map { Self.settings($0, of: S.kind) }, context: $1) }
        )
    }

    private static func settings<Settings>(_ settings: any ComponentConfiguration, of kind: ComponentKind) -> Settings {
        guard let settings = settings as? Settings else {
            preconditionFailure("the settings of \(kind) were decoded as \(type(of: settings))")
        }
        return settings
    }
}

/// The registration of one kind of source.
package struct SourceRegistration: Sendable {
    /// The value of `type:`.
    package let kind: ComponentKind
    /// Declares its keys only for a file that names it, because the declarations of all kinds slow down the start.
    let declareSettings: @Sendable () -> [SettingDeclaration]
    /// Decodes the settings; ``SettingGroup/validate()`` follows, so that its error is reported after those of single
    /// values.
    package let decode: @Sendable (any Decoder) throws -> any ComponentConfiguration
    /// Makes the source and throws what its `init` throws; traps for settings of another kind.
    package let make: @Sendable (any ComponentConfiguration, ComponentContext) throws -> any Source
    /// How messages of the source are written in tests; `nil` for a source that has none.
    package internal(set) var sample: SampleRegistration?

    /// The keys that its mapping may have in addition to the common ones.
    package var settings: [SettingDeclaration] { self.declareSettings() }
}

/// The registration of one kind of sink.
package struct SinkRegistration: Sendable {
    /// The value of `type:`.
    package let kind: ComponentKind
    /// Declares its keys only for a file that names it, because the declarations of all kinds slow down the start.
    let declareSettings: @Sendable () -> [SettingDeclaration]
    /// Declares the keys of `retry:`.
    let declareRetrySettings: @Sendable () -> [SettingDeclaration]
    /// Decodes the settings; ``SettingGroup/validate()`` follows.
    package let decode: @Sendable (any Decoder) throws -> any ComponentConfiguration
    /// Makes the sink from its own settings, followed by those of every `with:`; traps for settings of another kind.
    package let make: @Sendable ([any ComponentConfiguration], ComponentContext) throws -> any Sink
    /// Makes what renders deliveries without a connection, or `nil` for a sink that cannot.
    ///
    /// Traps for settings of another kind.
    package internal(set) var preview: (@Sendable ([any ComponentConfiguration], ComponentContext) throws -> SinkPreview)?

    /// The keys that its mapping may have in addition to the common ones.
    package var settings: [SettingDeclaration] { self.declareSettings() }

    /// The keys of `retry:` that the sink reads in addition to the common ones.
    package var retrySettings: [SettingDeclaration] { self.declareRetrySettings() }
}
