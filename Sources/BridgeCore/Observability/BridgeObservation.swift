/// The figures of a running bridge at one moment, for those who show them.
package struct BridgeObservation: Sendable, Equatable {
    /// One source or sink.
    package struct Component: Sendable, Equatable {
        /// Whether it is a source; otherwise it is a sink.
        package var isSource: Bool
        /// Its name in the configuration file.
        package var name: String
        /// Whether it is connected.
        package var isConnected: Bool
        /// Why it is not connected, or what fails although it is; `nil` when nothing does.
        ///
        /// Contains no secrets.
        package var problem: String?

        /// Makes the state of a component.
        package init(isSource: Bool, name: String, isConnected: Bool, problem: String? = nil) {
            self.isSource = isSource
            self.name = name
            self.isConnected = isConnected
            self.problem = problem
        }
    }

    /// The sources, then the sinks, each in the order of the file.
    package var components: [Component]
    /// Messages received by all sources since the start, without states of the bridge's own entities.
    package var received: Int
    /// Deliveries that the sinks have not confirmed.
    package var backlog: Int
    /// Dead letters in the log on disk; without one, those since the start.
    package var deadLetters: Int
    /// Why the log on disk cannot be written or read; `nil` when it can.
    package var logProblem: String?
    /// The routes that are switched off.
    package var routesOff: Set<RouteIndex>

    /// Makes the figures of a bridge that has received nothing, by default without components.
    package init(
        components: [Component] = [], received: Int = 0, backlog: Int = 0, deadLetters: Int = 0, logProblem: String? = nil,
        routesOff: Set<RouteIndex> = []
    ) {
        self.components = components
        self.received = received
        self.backlog = backlog
        self.deadLetters = deadLetters
        self.logProblem = logProblem
        self.routesOff = routesOff
    }
}
