/// What a reload gives a running ``Bridge``.
package struct BridgeReload: Sendable {
    /// One source or sink of the file.
    package enum Part<Parts: Sendable>: Sendable {
        /// One that runs on, by its name.
        case kept(String)
        /// One that starts: new, or in the place of a running one with its name.
        case started(Parts)
    }

    /// In the order of the file.
    package var sources: [Part<SourceParts>]
    /// In the order of the file.
    package var sinks: [Part<SinkParts>]
    /// Routes and the sink for unrouted events refer to the sinks by their index in ``sinks``; the variants of targets are
    /// those of the running sinks.
    package var routes: [Route]
    /// The sink for events that no route matches; `nil` drops and counts them.
    package var unrouted: SinkIndex?
    /// The routes whose tools go on as they are: the new index by the old one.
    package var keptRoutes: [RouteIndex: RouteIndex]
    /// For events changed by `set:`.
    package var eventLimits: EventLimits
    /// Above them every source pauses.
    package var limits: LogLimits
    /// Which routes are switched off.
    package var switches: RouteSwitches

    /// Makes a reload from its parts.
    package init(
        sources: [Part<SourceParts>], sinks: [Part<SinkParts>], routes: [Route], unrouted: SinkIndex?,
        keptRoutes: [RouteIndex: RouteIndex], eventLimits: EventLimits, limits: LogLimits, switches: RouteSwitches
    ) {
        self.sources = sources
        self.sinks = sinks
        self.routes = routes
        self.unrouted = unrouted
        self.keptRoutes = keptRoutes
        self.eventLimits = eventLimits
        self.limits = limits
        self.switches = switches
    }
}

extension BridgeReload.Part where Parts == SourceParts {
    var name: String {
        switch self {
        case .kept(let name): name
        case .started(let parts): parts.name
        }
    }
}

extension BridgeReload.Part where Parts == SinkParts {
    var name: String {
        switch self {
        case .kept(let name): name
        case .started(let parts): parts.name
        }
    }
}
