package import Logging
package import NIOCore
import Synchronization

/// What the program lends to one component.
///
/// Nothing else is global.
package struct ComponentContext: Sendable {
    /// The name in the configuration file.
    package let name: String
    /// Carries the component's name and kind already.
    package let logger: Logger
    /// Runs the channels of components that speak through SwiftNIO.
    package let eventLoopGroup: any EventLoopGroup
    /// This bridge's name, see ``Passage/origin``; also a good default for client identifiers.
    package let bridge: String
    /// Where the component keeps how far it has read; see ``CursorStore``.
    package let cursors: any CursorStore
    /// Counters of this component beyond those that the engine raises itself.
    package let metrics: ComponentMetrics
    /// Objects that several components share, such as the one HTTP server.
    package let shared: SharedServices
    /// The log outlives the program, and gives a ``RestorableSink`` its history back.
    package let isDurable: Bool

    package init(
        name: String, logger: Logger, eventLoopGroup: any EventLoopGroup, bridge: String, cursors: any CursorStore,
        metrics: ComponentMetrics, shared: SharedServices, isDurable: Bool = false
    ) {
        self.name = name
        self.logger = logger
        self.eventLoopGroup = eventLoopGroup
        self.bridge = bridge
        self.cursors = cursors
        self.metrics = metrics
        self.shared = shared
        self.isDurable = isDurable
    }
}

/// Objects that several components use, found by their type.
///
/// Filled by the program before any component is made, and by adapters whose components share something; adapters ask for the types they
/// know, so the core needs to know none of them. Copies are the same.
package struct SharedServices: Sendable {
    private let registry = Registry()

    package init() {}

    package func add<Service: Sendable>(_ service: Service) {
        self.registry.services.withLock { $0[ObjectIdentifier(Service.self)] = service }
    }

    /// - Throws: a ``ComponentError`` when the program offers no such service.
    package func find<Service: Sendable>(_ type: Service.Type) throws -> Service {
        guard let service = self.registry.services.withLock({ $0[ObjectIdentifier(type)] }) as? Service else {
            throw ComponentError(.settings, "this program offers no \(type)", isRetryable: false)
        }
        return service
    }

    /// The service, made by whoever asks first.
    ///
    /// - Parameter make: must not ask for a service itself.
    /// - Throws: what `make` throws.
    package func find<Service: Sendable>(_ type: Service.Type, make: () throws -> Service) throws -> Service {
        try self.registry.services.withLock { services in
            if let service = services[ObjectIdentifier(type)] as? Service { return service }
            let service = try make()
            services[ObjectIdentifier(type)] = service
            return service
        }
    }

    private final class Registry: Sendable {
        let services = Mutex<[ObjectIdentifier: any Sendable]>([:])
    }
}
