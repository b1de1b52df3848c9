package import Logging
package import NIOCore
import Synchronization

/// The services that the program provides to one component.
///
/// There is no other global state.
package struct ComponentContext: Sendable {
    /// The component's name in the configuration file.
    package let name: String
    /// A logger whose metadata contains the component's name and kind, and that writes none of its secrets.
    package let logger: Logger
    /// The event loops for components that use SwiftNIO.
    package let eventLoopGroup: any EventLoopGroup
    /// This bridge's name, see ``Provenance/origin``; also a good default for client identifiers.
    package let bridge: String
    /// The store of the component's read positions; see ``CursorStore``.
    package let cursors: any CursorStore
    /// The component's counters beyond those of the engine.
    package let metrics: ComponentMetrics
    /// Objects that several components share, such as the HTTP server.
    package let shared: SharedServices
    /// Whether the log survives the program and restores the history of a ``RestorableSink``.
    package let isDurable: Bool
    /// Removes the component's secrets from a peer's text; needed only where a text is shortened before it is reported.
    package let redaction: Redaction
    /// Whether a ``StagedComponent`` must wait for its activation, because a reload makes it.
    package let isStaged: Bool

    /// Makes a context; by default the log is not durable and there are no secrets.
    package init(
        name: String, logger: Logger, eventLoopGroup: any EventLoopGroup, bridge: String, cursors: any CursorStore,
        metrics: ComponentMetrics, shared: SharedServices, isDurable: Bool = false, redaction: Redaction = Redaction(),
        isStaged: Bool = false
    ) {
        self.name = name
        self.logger = redaction.logger(logger)
        self.eventLoopGroup = eventLoopGroup
        self.bridge = bridge
        self.cursors = cursors
        self.metrics = metrics
        self.shared = shared
        self.isDurable = isDurable
        self.redaction = redaction
        self.isStaged = isStaged
    }
}

/// Objects that several components share, identified by their type.
///
/// The program adds services before it creates components; adapters add others. Adapters find services by type, so the
/// core depends on none of them. Copies share one registry. Thread-safe.
package struct SharedServices: Sendable {
    private let registry: Registry

    /// Makes an empty registry.
    package init() { self.registry = Registry(parent: nil) }

    private init(draftOf registry: Registry) { self.registry = Registry(parent: registry) }

    /// A registry that finds all services of this one, and whose own services this one does not find.
    package var draft: SharedServices { SharedServices(draftOf: self.registry) }

    /// Adds all services of a draft to the registry that it was made of.
    package func commit() {
        guard let parent = self.registry.parent else { return }
        let own = self.registry.services.withLock { $0 }
        parent.services.withLock { $0.merge(own) { $1 } }
    }

    /// Adds a service, replacing one of the same type.
    package func add<Service: Sendable>(_ service: Service) {
        self.registry.services.withLock { $0[ObjectIdentifier(Service.self)] = service }
    }

    /// The service of a type.
    ///
    /// - Throws: ``ComponentError`` that is not retryable when the program has no such service.
    package func find<Service: Sendable>(_ type: Service.Type) throws -> Service {
        guard let service = self.registry.find(ObjectIdentifier(type)) as? Service else {
            throw ComponentError(.settings, "this program offers no \(type)", isRetryable: false)
        }
        return service
    }

    /// The service of a type; the first call makes and adds it.
    ///
    /// - Parameter make: runs with the registry locked; must not look up a service.
    /// - Throws: what `make` throws.
    package func find<Service: Sendable>(_ type: Service.Type, make: () throws -> Service) throws -> Service {
        try self.registry.services.withLock { services in
            let known = services[ObjectIdentifier(type)] ?? self.registry.parent?.find(ObjectIdentifier(type))
            if let service = known as? Service { return service }
            let service = try make()
            services[ObjectIdentifier(type)] = service
            return service
        }
    }

    private final class Registry: Sendable {
        let services = Mutex<[ObjectIdentifier: any Sendable]>([:])
        /// The registry that a draft was made of.
        let parent: Registry?

        init(parent: Registry?) {
            self.parent = parent
        }

        func find(_ type: ObjectIdentifier) -> (any Sendable)? {
            self.services.withLock { $0[type] } ?? self.parent?.find(type)
        }
    }
}
