/// The settings of one component, decoded from its mapping in the configuration file.
///
/// Its keys are declared in ``SettingGroup/settings``, each with the property for its value. The loader refuses keys
/// that are declared neither there nor among the common ones (`type`, `ack`, `buffer`, …), and calls
/// ``SettingGroup/validate()`` after it has read them.
package protocol ComponentConfiguration: SettingGroup, Decodable {
    /// Valid settings that are probably mistakes; read after ``validate()``.
    var warnings: [SettingError] { get }

    /// The resources that no other component of the file may claim, such as a port, a file or a client identifier.
    var exclusiveResources: [Resource] { get }

    /// The files that the component reads or writes, except those of settings whose names end in `_file`.
    var files: [ReferredFile] { get }

    /// The constant addresses that a source reads, to be compared with each ``WrittenPlace``; read after
    /// ``validate()``.
    var readPlaces: [ReadPlace] { get }

    /// The texts that messages about the component must not repeat, even if a peer quotes them; read after
    /// ``validate()``.
    var secrets: SecretTexts { get }

    /// The constant address that a sink with these settings writes to; `nil` when an event chooses it or nothing can
    /// read it back.
    /// back.
    ///
    /// The loader refuses loops through such addresses, on routes without conditions. Read after
    /// ``ComponentConfiguration/validate()``.
    var writtenPlace: WrittenPlace? { get }

    /// A resource that an event must not choose for a sink, because another component claims it alone.
    ///
    /// `nil` for a sink whose resources are all in its settings.
    var contention: Contention? { get }

    /// Why a source with these settings cannot give the guarantee of its `ack:`; `nil` when it can.
    ///
    /// Called for sources, after ``validate()``, because `ack:` is not one of their own settings.
    func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError?
}

extension ComponentConfiguration {
    /// Defaults to none.
    package var warnings: [SettingError] { [] }
    /// Defaults to none.
    package var exclusiveResources: [Resource] { [] }
    /// Defaults to none.
    package var files: [ReferredFile] { [] }
    /// Defaults to none.
    package var readPlaces: [ReadPlace] { [] }
    /// Defaults to none.
    package var secrets: SecretTexts { SecretTexts() }
    /// Defaults to `nil`.
    package var contention: Contention? { nil }
    /// Defaults to `nil`.
    package var writtenPlace: WrittenPlace? { nil }
    /// Defaults to `nil`.
    package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? { nil }
}

extension ComponentConfiguration {
    /// Reads the declared keys of a component's mapping, which has others too.
    ///
    /// - Throws: ``SettingError`` or `DecodingError` for the first value that is missing or not valid.
    package init(component decoder: any Decoder) throws {
        self.init()
        try Self.settings.read(decoder, into: &self)
    }

    /// Calls ``init(component:)``.
    package init(from decoder: any Decoder) throws { try self.init(component: decoder) }
}

/// The settings of a sink.
package protocol SinkConfiguration: ComponentConfiguration {
    /// The keys of `retry:` that the sink reads itself; typically none.
    static var retrySettings: Settings<Self> { get }
}

extension SinkConfiguration {
    /// Defaults to none.
    package static var retrySettings: Settings<Self> { Settings {} }

    /// Why this sink would write everything back to a source, without a mark that identifies the loop.
    ///
    /// `nil` when that does not happen or the settings do not show it.
    package func loopWarning(through source: any ComponentConfiguration) -> SettingError? {
        guard let written = self.writtenPlace else { return nil }
        return source.readPlaces.lazy.compactMap { written.loopWarning(through: $0) }.first
    }
}

extension SinkConfiguration {
    /// Reads the declared keys of a component's mapping and of its `retry:`, which both have others too.
    ///
    /// - Throws: ``SettingError`` or `DecodingError` for the first value that is missing or not valid.
    package init(component decoder: any Decoder) throws {
        self.init()
        try Self.settings.read(decoder, into: &self)
        let key = SettingKey("retry")
        let container = try decoder.container(keyedBy: SettingKey.self)
        // The loader refuses a value that is no mapping.
        guard container.contains(key), let retry = try? container.superDecoder(forKey: key),
            (try? retry.container(keyedBy: SettingKey.self)) != nil
        else { return }
        try Self.retrySettings.read(retry, into: &self)
    }

    /// Calls ``init(component:)``.
    package init(from decoder: any Decoder) throws { try self.init(component: decoder) }
}

/// A resource that only one component may claim.
package struct Resource: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words for messages, such as `file`, `webhook id` or `client id`.
    package let kind: String
    /// The name of the resource within its kind, for messages.
    package let value: String
    /// The exact value to compare; differs from ``value`` where one resource has several names.
    package let identity: String

    /// Makes a resource from its kind and name; `identity` is the name by default.
    package init(_ kind: String, _ value: String, identity: String? = nil) {
        self.kind = kind
        self.value = value
        self.identity = identity ?? value
    }

    /// Whether both are one resource, under any name.
    package static func == (one: Resource, other: Resource) -> Bool {
        one.kind == other.kind && ExactText(one.identity) == ExactText(other.identity)
    }

    /// Hashes what is compared.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.kind)
        hasher.combine(ExactText(self.identity))
    }

    /// The kind and the name, for messages.
    package var description: String { "\(self.kind) \(self.value)" }
}
