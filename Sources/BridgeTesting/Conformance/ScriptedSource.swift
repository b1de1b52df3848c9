package import BridgeCore
package import NIOCore
import Synchronization

/// A source that sends what a test tells it to.
///
/// Thread-safe.
package final class ScriptedSource: Source {
    package static let kind: ComponentKind = "scripted"

    /// It has no settings.
    package struct Configuration: ComponentConfiguration {
        package enum CodingKeys: CodingKey, CaseIterable {}

        package init() {}
        package init(from decoder: any Decoder) throws {}
    }

    private struct State {
        var outlet: SourceOutlet?
        var last: Position?
    }

    private let state = Mutex(State())

    package init() {}

    package convenience init(configuration: Configuration, context: ComponentContext) throws {
        self.init()
    }

    package func run(_ outlet: SourceOutlet) async throws {
        self.state.withLock { $0.outlet = outlet }
        outlet.connected()
        try await outlet.untilStopping()
        if let last = self.state.withLock({ $0.last }) { try await outlet.untilSafe(last) }
    }

    /// Sends one batch.
    ///
    /// - Precondition: its bridge runs.
    @discardableResult
    package func send(_ messages: [ReceivedMessage]) -> SourceOutlet.Receipt {
        guard let outlet = self.outlet else { preconditionFailure("the scripted source does not run yet") }
        let receipt = outlet.send(messages)
        self.state.withLock { $0.last = receipt.position }
        return receipt
    }

    /// Sends one batch of bodies.
    @discardableResult
    package func send(_ bodies: [ByteBuffer], subject: String = "scripted") -> SourceOutlet.Receipt {
        self.send(bodies.map { ReceivedMessage(subject: subject, body: $0) })
    }

    /// Where it sends to; `nil` until its bridge runs.
    package var outlet: SourceOutlet? { self.state.withLock { $0.outlet } }
}
