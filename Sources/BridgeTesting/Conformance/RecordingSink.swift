package import BridgeCore
package import NIOCore
import Synchronization

/// A sink that remembers what it was given, and takes and confirms only as far as a test lets it.
///
/// Thread-safe.
package final class RecordingSink: Sink {
    package static let kind: ComponentKind = "recording"

    /// It has no settings.
    package struct Configuration: SinkConfiguration {
        package enum CodingKeys: CodingKey, CaseIterable {}
        package static var perRouteKeys: [CodingKeys] { [] }

        package init() {}
        package init(from decoder: any Decoder) throws {}
    }

    private struct State {
        var deliveries: [Delivery] = []
        var isClosed = false
        var isHolding = false
    }

    private let state = Mutex(State())

    package init() {}

    package convenience init(variants: [Configuration], context: ComponentContext) throws {
        self.init()
    }

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

    /// Takes nothing more until told otherwise.
    package func close(_ isClosed: Bool = true) {
        self.state.withLock { $0.isClosed = isClosed }
    }

    /// Takes, and confirms nothing more until told otherwise.
    package func hold(_ isHolding: Bool = true) {
        self.state.withLock { $0.isHolding = isHolding }
    }

    /// Everything taken so far, in order.
    package var deliveries: [Delivery] { self.state.withLock { $0.deliveries } }
    /// The events taken so far, gaps left out.
    package var events: [Event] { self.deliveries.map(\.event).filter { $0.kind != .gap } }
    /// The gap events taken so far.
    package var gaps: [Event] { self.deliveries.map(\.event).filter { $0.kind == .gap } }
    /// The upstream bodies of ``events``.
    package var bodies: [ByteBuffer] { self.events.map(\.raw) }
    /// How many events were taken so far, gaps included.
    package var count: Int { self.state.withLock { $0.deliveries.count } }
}
