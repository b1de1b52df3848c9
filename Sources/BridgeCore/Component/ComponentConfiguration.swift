/// The settings of one component, decoded from its mapping in the configuration file.
///
/// Write `init(from:)` by hand with the helpers of `KeyedDecodingContainer` (`value(_:default:)`, `duration(_:default:)`, …):
/// synthesised decoding ignores the defaults of properties. Defaults live there only; the property's comment states them.
package protocol ComponentConfiguration: Decodable, Sendable {
    /// Every key the mapping may have beside the common ones (`type`, `ack`, `buffer`, …): others are refused.
    associatedtype CodingKeys: CodingKey & CaseIterable

    /// Looks at the settings together, after each has been decoded. No I/O.
    ///
    /// - Throws: ``SettingError`` that names the key and says what would be right.
    func validate() throws

    /// What may be meant, but most likely is not; asked after ``validate()``.
    var warnings: [SettingError] { get }

    /// What no second component of the file may also claim: a port, a file, a client identifier.
    var exclusiveResources: [Resource] { get }

    /// The files that are read or written, but for those of settings whose names end in `_file`.
    var files: [ReferredFile] { get }

    /// Why a source with these settings cannot keep what its `ack:` promises, `nil` when it can.
    ///
    /// For sources; asked after ``validate()``, because `ack:` is not among their own settings.
    func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError?
}

extension ComponentConfiguration {
    package func validate() throws {}
    package var warnings: [SettingError] { [] }
    package var exclusiveResources: [Resource] { [] }
    package var files: [ReferredFile] { [] }
    package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? { nil }
}

/// The settings of a sink.
package protocol SinkConfiguration: ComponentConfiguration {
    /// The keys that a route may set anew in `with:`; typically what is made per event (topic, body), never the connection.
    static var perRouteKeys: [CodingKeys] { get }

    /// The keys of `retry:` that the sink decodes itself; typically none.
    static var retryKeys: [String] { get }

    /// Why everything that a sink with these settings publishes comes back through that source without a sign that it has been here, `nil` where
    /// it does not or the file does not say.
    ///
    /// For routes without conditions between the two; asked after ``ComponentConfiguration/validate()``.
    func circle(through source: any ComponentConfiguration) -> SettingError?
}

extension SinkConfiguration {
    package static var retryKeys: [String] { [] }
    package func circle(through source: any ComponentConfiguration) -> SettingError? { nil }
}

/// Something that only one component may own.
package struct Resource: Hashable, Sendable, CustomStringConvertible {
    /// What it is, as a person reads it: `file`, `webhook id`, `client id`.
    package let kind: String
    /// Which one.
    package let value: String

    package init(_ kind: String, _ value: String) {
        self.kind = kind
        self.value = value
    }

    package var description: String { "\(self.kind) \(self.value)" }
}
