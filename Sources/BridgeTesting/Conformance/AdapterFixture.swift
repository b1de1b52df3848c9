package import BridgeCore
package import NIOCore

/// The peer of one component: a real server or client that a check talks to without the adapter.
///
/// Each check makes a new one. An adapter's test declares one for each of its sources and sinks, in
/// `Tests/ConformanceTests`.
package protocol AdapterFixture: Sendable {
    /// The kind under test.
    static var kind: ComponentKind { get }
    /// The guarantees that the adapter gives; the checks of the others are skipped.
    static var guarantees: Guarantees { get }
    /// The most demanding body that the protocol carries; every byte value where ``Guarantees/binarySafe`` is given.
    static var hardestPayload: ByteBuffer { get }

    /// Whether the protocol carries an empty body; true by default.
    static var carriesEmpty: Bool { get }
    /// The largest body that the checks send, in bytes; 1 MiB by default.
    static var largestPayload: Int { get }

    /// Starts the peer and waits until it is ready.
    static func start() async throws -> Self

    /// The shared services in the component's context, such as the HTTP router; empty by default.
    var services: SharedServices { get }

    /// Makes the peer unreachable and closes every connection.
    ///
    /// Required for kinds with ``Guarantees/connects``; the default does nothing.
    func interrupt() async throws
    /// Makes the peer reachable again at the same address, with the data that it stores.
    func restore() async throws
    /// Stops the peer at the end of each check; the default does nothing.
    func tearDown() async throws
}

extension AdapterFixture {
    /// Bytes 0 to 255 in order.
    package static var hardestPayload: ByteBuffer { ByteBuffer(bytes: UInt8.min...UInt8.max) }
    /// Defaults to true.
    package static var carriesEmpty: Bool { true }
    /// Defaults to 1 MiB.
    package static var largestPayload: Int { 1 << 20 }
    /// Defaults to no services.
    package var services: SharedServices { SharedServices() }
    /// Does nothing by default.
    package func interrupt() async throws {}
    /// Does nothing by default.
    package func restore() async throws {}
    /// Does nothing by default.
    package func tearDown() async throws {}
}

/// The peer of one kind of source.
package protocol SourceFixture: AdapterFixture {
    /// Whether ``publish(_:on:headers:)`` returns only after the sinks confirm, as HTTP requests may; false by default.
    static var answersAfterDelivery: Bool { get }

    /// The component's settings in YAML as a user writes them, without `type`; the checks decode them.
    ///
    /// - Parameter subject: letters, digits and hyphens; different for each component that runs at the same time. The
    ///   source must deliver exactly the messages published on it.
    func yaml(subject: String) -> String

    /// Publishes messages through the peer in order, for the source to receive.
    ///
    /// Checks call it before the first connect of the source only for kinds with ``Guarantees/resumesAfterReconnect``.
    ///
    /// - Parameter headers: sent beside each body where the kind has ``Guarantees/keepsHeaders``, else empty.
    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws
}

extension SourceFixture {
    /// Defaults to false.
    package static var answersAfterDelivery: Bool { false }
}

/// The peer of one kind of sink.
package protocol SinkFixture: AdapterFixture {
    /// Whether the sink supports ``SinkBody/raw``; true by default.
    static var carriesRaw: Bool { get }

    /// The component's settings in YAML as a user writes them, without `type`.
    ///
    /// - Parameters:
    ///   - subject: letters, digits and hyphens; different for each component that runs at the same time.
    ///   - body: what the sink sends of each event.
    func yaml(subject: String, body: SinkBody) -> String

    /// Prepares the peer before the sink runs; peers that store nothing subscribe here. Does nothing by default.
    func prepare(subject: String) async throws

    /// The messages that the peer has received from the sink so far, in order.
    func received(on subject: String) async throws -> [SinkReceipt]

    /// Settings with which the sink permanently refuses the event whose message is `refuse me`, and no other.
    ///
    /// `nil`, the default, when no setting makes this kind of sink refuse.
    func yamlRefusing(subject: String) -> String?
}

extension SinkFixture {
    /// Defaults to true.
    package static var carriesRaw: Bool { true }
    /// Does nothing by default.
    package func prepare(subject: String) async throws {}
    /// Defaults to `nil`, which skips the check of refusals.
    package func yamlRefusing(subject: String) -> String? { nil }
}

/// The part of each event that a sink under test sends.
package enum SinkBody: Sendable {
    /// The event's JSON.
    case event
    /// The upstream body as it arrived.
    case raw
}

/// One message as the peer of a sink received it.
package struct SinkReceipt: Sendable {
    /// The body, byte for byte.
    package let body: ByteBuffer
    /// The headers, user properties or fields beside the body; names in lower case.
    package let headers: [(name: String, value: String)]

    /// Makes a receipt; peers without headers leave them empty.
    package init(_ body: ByteBuffer, headers: [(name: String, value: String)] = []) {
        self.body = body
        self.headers = headers
    }
}
