package import BridgeCore
package import NIOCore
import Synchronization

/// A source that sends the messages a test passes to it.
///
/// Thread-safe.
package final class ScriptedSource: Source {
    /// `scripted`; no program registers it.
    package static let kind: ComponentKind = "scripted"

    /// The empty settings.
    package struct Configuration: ComponentConfiguration {
        /// No keys.
        package static let settings = Settings<Self> {}

        /// Makes the settings.
        package init() {}
    }

    private struct State {
        var outlet: SourceOutlet?
        var last: Position?
    }

    private let state = Mutex(State())

    /// Makes a source that is not running yet.
    package init() {}

    /// Makes a source that is not running yet; both parameters are ignored.
    package convenience init(configuration: Configuration, context: ComponentContext) throws {
        self.init()
    }

    /// Connects, waits for the stop, then waits until everything sent is safe.
    package func run(_ outlet: SourceOutlet) async throws {
        self.state.withLock { $0.outlet = outlet }
        outlet.connected()
        try await outlet.untilStopping()
        if let last = self.state.withLock({ $0.last }) { try await outlet.untilSafe(last) }
    }

    /// Sends one batch of messages.
    ///
    /// - Precondition: its bridge runs.
    @discardableResult
    package func send(_ messages: [ReceivedMessage]) -> SourceOutlet.Receipt {
        guard let outlet = self.outlet else { preconditionFailure("the scripted source does not run yet") }
        let receipt = outlet.send(messages)
        self.state.withLock { $0.last = receipt.position }
        return receipt
    }

    /// Sends one batch of messages that have only a body and a subject.
    @discardableResult
    package func send(_ bodies: [ByteBuffer], subject: String = "scripted") -> SourceOutlet.Receipt {
        self.send(bodies.map { ReceivedMessage(subject: subject, body: $0) })
    }

    /// The outlet of the running bridge; `nil` until the bridge runs.
    package var outlet: SourceOutlet? { self.state.withLock { $0.outlet } }
}
