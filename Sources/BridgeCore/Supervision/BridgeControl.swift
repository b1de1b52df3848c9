import Synchronization

/// What a component may know and change of the whole program: its parts, its figures, its routes and its dead letters.
///
/// A shared service, made before the components and given the bridge before it runs. Thread-safe.
package final class BridgeControl: Sendable {
    /// One route, by its index in the file.
    package struct RouteLabel: Sendable, Equatable {
        /// Its name, `route-N` without one.
        package let name: String
        /// The same after a restart, also for a route without a name; see ``Route/identity``.
        package let identity: String
        /// Whether the file names it.
        package let isNamed: Bool
        /// The names of its sinks, in the order of the file.
        package let sinks: [String]

        /// Makes the label of a route.
        package init(name: String, identity: String, isNamed: Bool = true, sinks: [String] = []) {
            self.name = name
            self.identity = identity
            self.isNamed = isNamed
            self.sinks = sinks
        }
    }

    private struct State {
        weak var bridge: Bridge?
        var metrics: Metrics?
    }

    /// The version of the program.
    package let version: String
    /// The names of the sources, in the order of the file.
    package let sources: [String]
    /// The names of the sinks, in the order of the file.
    package let sinks: [String]
    /// The routes, by their indices.
    package let routes: [RouteLabel]
    /// The switches of the routes.
    package let switches: RouteSwitches
    /// Requests another delivery of all dead letters and returns their number; `nil` without a log on disk.
    ///
    /// Blocks while it does, and throws ``LogError``.
    package let replayDeadLetters: (@Sendable () throws -> Int)?
    private let state = Mutex(State())

    /// Makes the control of a program that has not started; by default one without parts.
    package init(
        version: String = "", sources: [String] = [], sinks: [String] = [], routes: [RouteLabel] = [],
        switches: RouteSwitches = RouteSwitches(), replayDeadLetters: (@Sendable () throws -> Int)? = nil
    ) {
        self.version = version
        self.sources = sources
        self.sinks = sinks
        self.routes = routes
        self.switches = switches
        self.replayDeadLetters = replayDeadLetters
    }

    /// The bridge is made, and has these metrics.
    package func attach(_ bridge: Bridge, metrics: Metrics) {
        self.state.withLock { $0 = State(bridge: bridge, metrics: metrics) }
    }

    /// The figures of now; those of an idle bridge without components before ``attach(_:metrics:)``.
    ///
    /// Costs a few atomic loads per component; callable once a second.
    package func observe() -> BridgeObservation {
        let (bridge, metrics) = self.state.withLock { ($0.bridge, $0.metrics) }
        guard let bridge, let metrics else { return BridgeObservation(routesOff: self.switches.switchedOff) }
        func state(_ name: String, isSource: Bool, _ status: ComponentStatus) -> BridgeObservation.Component {
            let problem = status.isConnected ? status.warning : status.lastError
            return BridgeObservation.Component(
                isSource: isSource, name: name, isConnected: status.isConnected, problem: problem)
        }
        let health = bridge.logHealth
        // What a sink publishes from these figures must not change them when it comes back.
        let own = metrics.total(of: "streambridge_events_dropped_total", with: ("reason", SourceMetrics.ownEntity))
        return BridgeObservation(
            components: bridge.sources.map { state($0.name, isSource: true, $0.status) }
                + bridge.sinks.map { state($0.name, isSource: false, $0.status) },
            received: max(0, metrics.total(of: "streambridge_events_received_total") - own), backlog: bridge.pending,
            deadLetters: health?.letters.value ?? metrics.total(of: "streambridge_dead_letters_total"),
            logProblem: health?.writeError ?? health?.readError, routesOff: self.switches.switchedOff)
    }
}
