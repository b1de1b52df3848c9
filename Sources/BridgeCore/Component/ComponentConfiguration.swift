/// The settings of one component, decoded from its mapping in the configuration file.
///
/// Write `init(from:)` by hand with the helpers of `KeyedDecodingContainer` (`value(_:default:)`,
/// `duration(_:default:)`, …): synthesised decoding ignores the defaults of properties. The defaults are declared there
/// only; the property's comment states them.
package protocol ComponentConfiguration: Decodable, Sendable {
    /// The keys that the mapping may have in addition to the common ones (`type`, `ack`, `buffer`, …); others are
    /// refused.
    associatedtype CodingKeys: CodingKey & CaseIterable

    /// Validates the settings together, after each of them is decoded; does no I/O.
    ///
    /// - Throws: ``SettingError`` with the key and the remedy.
    func validate() throws

    /// Valid settings that are probably mistakes; read after ``validate()``.
    var warnings: [SettingError] { get }

    /// The resources that no other component of the file may claim, such as a port, a file or a client identifier.
    var exclusiveResources: [Resource] { get }

    /// The files that the component reads or writes, except those of settings whose names end in `_file`.
    var files: [ReferredFile] { get }

    /// The constant places that a source reads, so that ``WrittenPlace`` can be compared; read after ``validate()``.
    var readPlaces: [ReadPlace] { get }

    /// Why a source with these settings cannot give the guarantee of its `ack:`; `nil` when it can.
    ///
    /// Called for sources, after ``validate()``, because `ack:` is not one of their own settings.
    func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError?
}

extension ComponentConfiguration {
    /// Accepts all settings by default.
    package func validate() throws {}
    /// Defaults to none.
    package var warnings: [SettingError] { [] }
    /// Defaults to none.
    package var exclusiveResources: [Resource] { [] }
    /// Defaults to none.
    package var files: [ReferredFile] { [] }
    /// Defaults to none.
    package var readPlaces: [ReadPlace] { [] }
    /// Defaults to `nil`.
    package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? { nil }
}

/// The settings of a sink.
package protocol SinkConfiguration: ComponentConfiguration {
    /// The keys that a route can override in `with:`; typically what is rendered per event (topic, body), never the
    /// connection.
    static var perRouteKeys: [CodingKeys] { get }

    /// The keys of `retry:` that the sink decodes itself; typically none.
    static var retryKeys: [String] { get }

    /// The constant place that a sink with these settings writes to; `nil` when an event chooses it or nothing can read it
    /// back.
    ///
    /// The loader refuses circles through such places, on routes without conditions. Read after
    /// ``ComponentConfiguration/validate()``.
    var writtenPlace: WrittenPlace? { get }

    /// Says why an event must not choose what another component claims alone, `nil` for what it cannot choose.
    ///
    /// `nil` for a sink that no event can make use what is not in its settings. Called with the resource and its owner's place in the file.
    var contention: ((Resource, _ owner: String) -> SettingError?)? { get }
}

extension SinkConfiguration {
    /// Defaults to none.
    package static var retryKeys: [String] { [] }
    /// Defaults to `nil`.
    package var contention: ((Resource, _ owner: String) -> SettingError?)? { nil }
    /// Defaults to `nil`.
    package var writtenPlace: WrittenPlace? { nil }

    /// Why a sink with these settings writes everything back into a source, without a mark that identifies the loop.
    ///
    /// `nil` when that does not happen or the settings do not show it.
    package func circle(through source: any ComponentConfiguration) -> SettingError? {
        guard let written = self.writtenPlace else { return nil }
        return source.readPlaces.lazy.compactMap { written.circle(through: $0) }.first
    }
}

/// A resource that only one component may claim.
package struct Resource: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words for messages, such as `file`, `webhook id` or `client id`.
    package let kind: String
    /// The name of the resource within its kind, for messages.
    package let value: String
    /// What is compared, exactly; differs from ``value`` where one resource has several names.
    package let identity: String

    /// Makes a resource from its kind and name; `identity` is the name by default.
    package init(_ kind: String, _ value: String, identity: String? = nil) {
        self.kind = kind
        self.value = value
        self.identity = identity ?? value
    }

    /// Whether both are one resource, whatever their names are.
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
