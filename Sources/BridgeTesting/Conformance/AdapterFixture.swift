package import BridgeCore
package import NIOCore

/// The outside world of one component: a real peer, spoken to without the adapter.
///
/// Made anew for each check. An adapter's test writes one for each of its sources and sinks, in `Tests/ConformanceTests`.
package protocol AdapterFixture: Sendable {
    /// The kind under test.
    static var kind: ComponentKind { get }
    /// What the adapter promises.
    static var guarantees: Guarantees { get }
    /// The hardest body that the protocol can carry; every byte value where ``Guarantees/binarySafe`` is promised.
    static var hardestPayload: ByteBuffer { get }

    /// Whether a body of no bytes can be carried; true by default.
    static var carriesEmpty: Bool { get }
    /// The bytes of the largest body that is tried; a mebibyte by default.
    static var largestPayload: Int { get }

    /// Starts the peer and waits until it is ready.
    static func start() async throws -> Self

    /// What the component finds in its context, such as the HTTP router. Empty by default.
    var services: SharedServices { get }

    /// Makes the peer unreachable and cuts every connection.
    ///
    /// Needed for kinds with ``Guarantees/connects``; the default does nothing.
    func interrupt() async throws
    /// Makes the peer reachable again, at the same place, with what it has to remember.
    func restore() async throws
    /// Ends the peer. Called at the end of each check; the default does nothing.
    func tearDown() async throws
}

extension AdapterFixture {
    /// Bytes 0 to 255 in order.
    package static var hardestPayload: ByteBuffer { ByteBuffer(bytes: UInt8.min...UInt8.max) }
    package static var carriesEmpty: Bool { true }
    package static var largestPayload: Int { 1 << 20 }
    package var services: SharedServices { SharedServices() }
    package func interrupt() async throws {}
    package func restore() async throws {}
    package func tearDown() async throws {}
}

/// The peer of one kind of source.
package protocol SourceFixture: AdapterFixture {
    /// Whether ``publish(_:on:headers:)`` returns only once the sinks have confirmed, as HTTP requests may; false by default.
    static var answersAfterDelivery: Bool { get }

    /// Settings as a user writes them, without `type`, so that reading them is tested on the way.
    ///
    /// - Parameter subject: letters, digits and hyphens; different for each component that runs at the same time. The source shall
    ///   bring exactly what is published on it.
    func yaml(subject: String) -> String

    /// Hands messages to the peer in order, so that the source gets them. May be called before the source has ever connected only for
    /// kinds with ``Guarantees/resumesAfterReconnect``.
    ///
    /// - Parameter headers: sent along where the kind has ``Guarantees/keepsHeaders``, else always empty.
    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws
}

extension SourceFixture {
    package static var answersAfterDelivery: Bool { false }
}

/// The peer of one kind of sink.
package protocol SinkFixture: AdapterFixture {
    /// Whether ``SinkBody/raw`` is understood; true by default.
    static var carriesRaw: Bool { get }

    /// Settings as a user writes them, without `type`.
    ///
    /// - Parameters:
    ///   - subject: letters, digits and hyphens; different for each component that runs at the same time.
    ///   - body: what the sink shall send of each event.
    func yaml(subject: String, body: SinkBody) -> String

    /// Called once before the sink runs, for peers that remember nothing and so must listen from the beginning. Does nothing by default.
    func prepare(subject: String) async throws

    /// What the peer has received from the sink so far, in order.
    func received(on subject: String) async throws -> [SinkReceipt]

    /// Settings with which the sink refuses for good the event whose message is `refuse me`, and no other; `nil` when nothing can make
    /// this kind of sink refuse.
    func yamlRefusing(subject: String) -> String?
}

extension SinkFixture {
    package static var carriesRaw: Bool { true }
    package func prepare(subject: String) async throws {}
    package func yamlRefusing(subject: String) -> String? { nil }
}

/// What a sink under test sends of each event.
package enum SinkBody: Sendable {
    /// The event's JSON.
    case event
    /// The upstream body as it arrived.
    case raw
}

/// One message as a sink's peer has received it.
package struct SinkReceipt: Sendable {
    package let body: ByteBuffer
    /// Headers, user properties or fields beside the body; names in lower case.
    package let headers: [(name: String, value: String)]

    package init(_ body: ByteBuffer, headers: [(name: String, value: String)] = []) {
        self.body = body
        self.headers = headers
    }
}
