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
        while true {
            try await self.until { !$0.isClosed }
            let batch = try await inlet.next(atMost: 100)
            guard let last = batch.last else { return }
            self.state.withLock { $0.deliveries += batch }
            // Taken, and not confirmed before the test says so: whoever waits for it waits.
            try await self.until { !$0.isHolding }
            inlet.confirm(through: last)
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

    private func until(_ condition: (State) -> Bool) async throws {
        while !self.state.withLock({ condition($0) }) { try await Task.sleep(for: .milliseconds(2)) }
    }
}
