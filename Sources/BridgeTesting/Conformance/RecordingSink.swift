package import BridgeCore
package import NIOCore
import Synchronization

/// A sink that records its deliveries; a test controls how far it takes and confirms them.
///
/// Thread-safe.
package final class RecordingSink: Sink {
    /// `recording`; no program registers it.
    package static let kind: ComponentKind = "recording"

    /// The empty settings.
    package struct Configuration: SinkConfiguration {
        /// No keys.
        package static let settings = Settings<Self> {}

        /// Makes the settings.
        package init() {}
    }

    private struct State {
        var deliveries: [Delivery] = []
        var isClosed = false
        var isHolding = false
    }

    private let state = Mutex(State())

    /// Makes a sink that takes and confirms everything.
    package init() {}

    /// Makes a sink that takes and confirms everything; both parameters are ignored.
    package convenience init(variants: [Configuration], context: ComponentContext) throws {
        self.init()
    }

    /// Takes batches of up to 100 deliveries and confirms each, until the inlet ends.
    ///
    /// Polls every 2 ms while nothing is available, and while ``close(_:)`` or ``hold(_:)`` is in effect.
    package func run(_ inlet: SinkInlet) async throws {
        inlet.connected()
        var unconfirmed: Delivery?
        while true {
            let (isClosed, isHolding) = self.state.withLock { ($0.isClosed, $0.isHolding) }
            if !isHolding, let last = unconfirmed {
                inlet.confirm(through: last)
                unconfirmed = nil
            }
            switch isClosed ? .empty : inlet.poll(atMost: 100) {
            case .batch(let batch):
                self.state.withLock { $0.deliveries += batch }
                unconfirmed = batch.last
            case .ended where unconfirmed == nil: return
            case .ended, .empty: try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    /// Stops taking deliveries until called with `false`.
    package func close(_ isClosed: Bool = true) {
        self.state.withLock { $0.isClosed = isClosed }
    }

    /// Keeps taking deliveries and stops confirming them, until called with `false`.
    package func hold(_ isHolding: Bool = true) {
        self.state.withLock { $0.isHolding = isHolding }
    }

    /// All deliveries so far, in order; those that were offered again appear again.
    package var deliveries: [Delivery] { self.state.withLock { $0.deliveries } }
    /// The events so far, without gap events.
    package var events: [Event] { self.deliveries.map(\.event).filter { $0.kind != .gap } }
    /// The gap events so far.
    package var gaps: [Event] { self.deliveries.map(\.event).filter { $0.kind == .gap } }
    /// The upstream bodies of ``events``.
    package var bodies: [ByteBuffer] { self.events.map(\.raw) }
    /// The number of deliveries so far, gap events included.
    package var count: Int { self.state.withLock { $0.deliveries.count } }
}
