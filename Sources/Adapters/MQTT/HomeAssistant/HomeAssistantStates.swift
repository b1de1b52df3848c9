import BridgeCore
import NIOCore

/// Turns the figures of the bridge into the states of its entities, and remembers the last state of every entity.
///
/// The figures go out at most once per interval; a lost connection and a switched route at once. A value without I/O;
/// bounded by the number of entities.
struct HomeAssistantStates: Sendable {
    /// How often the figures are looked at.
    static let tick = Duration.seconds(1)
    /// The longest state in Unicode scalars; Home Assistant refuses a longer one.
    static let longestState = 255

    private let names: HomeAssistantNames
    private let catalog: HomeAssistantCatalog
    private let version: String
    private let interval: Duration
    /// How much was received at each tick of the last minute.
    private var received: [(time: ContinuousClock.Instant, count: Int)] = []
    private var lastReceived: Timestamp?
    private var lastError: (component: String, message: String, time: Timestamp)?
    private var problems: [String: String] = [:]
    /// Which sources and sinks were connected at the last look.
    private var connected: [Bool] = []
    private var healthDue: ContinuousClock.Instant?
    private var health = ByteBuffer()
    private var components = ByteBuffer()
    private var routes = ByteBuffer()
    /// The last states of the file's entities, by topic.
    private var entities: [String: ByteBuffer] = [:]

    init(_ names: HomeAssistantNames, _ catalog: HomeAssistantCatalog, version: String, interval: Duration) {
        self.names = names
        self.catalog = catalog
        self.version = version
        self.interval = interval
    }

    /// The states that have changed and are due.
    mutating func changes(_ figures: BridgeObservation, wall: Timestamp, now: ContinuousClock.Instant) -> [HomeAssistantMessage] {
        self.note(figures, wall, now)
        var messages: [HomeAssistantMessage] = []
        let components = self.components(figures)
        let connected = figures.components.map(\.isConnected)
        let isUrgent = connected != self.connected
        self.connected = connected
        if components != self.components {
            self.components = components
            if !self.catalog.parts.isEmpty { messages.append(HomeAssistantMessage(self.names.components, components)) }
        }
        let routes = self.routes(figures)
        if routes != self.routes {
            self.routes = routes
            if !self.catalog.routes.isEmpty { messages.append(HomeAssistantMessage(self.names.routes, routes)) }
        }
        if isUrgent || self.healthDue.map({ now >= $0 }) ?? true {
            let health = self.health(figures)
            if health != self.health {
                self.health = health
                self.healthDue = now + self.interval
                messages.append(HomeAssistantMessage(self.names.health, health))
            }
        }
        return messages
    }

    /// Remembers the state of an entity that is published.
    mutating func published(_ message: HomeAssistantMessage) {
        if message.isRetained { self.entities[message.topic] = message.payload }
    }

    /// The last states, for a broker or a Home Assistant that may have forgotten them.
    var all: [HomeAssistantMessage] {
        var messages = [HomeAssistantMessage(self.names.health, self.health)]
        if !self.catalog.parts.isEmpty { messages.append(HomeAssistantMessage(self.names.components, self.components)) }
        if !self.catalog.routes.isEmpty { messages.append(HomeAssistantMessage(self.names.routes, self.routes)) }
        messages += self.entities.sorted { $0.key < $1.key }.map { HomeAssistantMessage($0.key, $0.value) }
        return messages.filter { $0.payload.readableBytes > 0 }
    }

    private mutating func note(_ figures: BridgeObservation, _ wall: Timestamp, _ now: ContinuousClock.Instant) {
        if figures.received > self.received.last?.count ?? 0 { self.lastReceived = wall }
        self.received.append((now, figures.received))
        // One sample from before the last minute stays, to compare with.
        while self.received.count > 2, now - self.received[1].time >= .seconds(60) { self.received.removeFirst() }
        while self.received.count > 120 { self.received.removeFirst() }
        var problems: [String: String] = [:]
        for component in figures.components {
            guard let problem = component.problem else { continue }
            problems["\(component.isSource ? "source" : "sink") \(component.name)"] = problem
        }
        if let problem = figures.logProblem { problems["log"] = problem }
        let new = problems.filter { self.problems[$0.key] != $0.value }.min { $0.key < $1.key }
        if let new { self.lastError = (new.key, new.value, wall) }
        self.problems = problems
    }

    private func health(_ figures: BridgeObservation) -> ByteBuffer {
        var health = HomeAssistantObject()
        health.add("version", self.version)
        health.add("connected", figures.components.filter(\.isConnected).count)
        health.add("components", figures.components.count)
        let missing = figures.components.filter { !$0.isConnected }.map { "\($0.isSource ? "source" : "sink") \($0.name)" }
        health.add("disconnected", Array(missing.prefix(HomeAssistantCatalog.most)))
        health.add("events_per_minute", figures.received - (self.received.first?.count ?? 0))
        health.add("backlog", figures.backlog)
        health.add("dead_letters", figures.deadLetters)
        var error = HomeAssistantObject()
        error.add("message", orNull: self.lastError.map { Self.state($0.message) })
        error.add("component", self.lastError?.component)
        error.add("time", self.lastError?.time.description)
        health.add("last_error", error)
        health.add("last_received", orNull: self.lastReceived?.description)
        return health.buffer
    }

    private func components(_ figures: BridgeObservation) -> ByteBuffer {
        var list = HomeAssistantObject()
        for (index, key) in self.catalog.parts where figures.components.indices.contains(index) {
            var state = HomeAssistantObject()
            state.add("connected", figures.components[index].isConnected)
            state.add("problem", figures.components[index].problem.map(Self.state))
            list.add(key, state)
        }
        return list.buffer
    }

    private func routes(_ figures: BridgeObservation) -> ByteBuffer {
        var list = HomeAssistantObject()
        for (index, key) in self.catalog.routes { list.add(key, !figures.routesOff.contains(index)) }
        return list.buffer
    }

    /// A text as a state, cut where Home Assistant would refuse it.
    static func state(_ text: String) -> String {
        guard text.utf8.count > Self.longestState, text.unicodeScalars.count > Self.longestState else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.longestState)))
    }
}
