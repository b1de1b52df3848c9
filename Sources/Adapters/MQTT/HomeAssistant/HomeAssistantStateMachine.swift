import BridgeCore
import NIOCore

/// Decides for one connection when entities are announced, which states are published, and which commands count.
///
/// A value without I/O: ``HomeAssistantCompanion`` reports events and publishes the returned messages.
///
/// Invariants:
/// 1. Nothing is announced before the broker has sent the earlier announcement, or ``patience`` is over: otherwise the
///    entities that left the file would stay.
/// 2. Announcements after a report of Home Assistant are at least ``pause`` apart, however many reports arrive.
/// 3. At most ``mostCommands`` commands count in a second; a retained one never does.
struct HomeAssistantStateMachine: Sendable {
    /// How long the broker may take for its answers to the subscriptions.
    static let patience = Duration.seconds(5)
    /// The least time between two announcements.
    static let pause = Duration.seconds(2)
    /// The most commands in a second.
    static let mostCommands = 10

    private enum State: Equatable {
        /// Not connected.
        case idle
        /// Waits for the answers to that many subscriptions.
        case subscribing(Int, until: ContinuousClock.Instant)
        /// Waits for the marker, behind which no retained message comes.
        case listing(until: ContinuousClock.Instant)
        /// Announced; again at that time if there is one.
        case announced(last: ContinuousClock.Instant, again: ContinuousClock.Instant?)
    }

    /// The consequence of a received message.
    enum Outcome: Equatable {
        case command(HomeAssistantCommand)
        /// Too many commands, or one that the broker retained.
        case refusedCommand
        case none
    }

    private let names: HomeAssistantNames
    private let catalog: HomeAssistantCatalog
    private var announcement: HomeAssistantAnnouncement
    private(set) var states: HomeAssistantStates
    private var state = State.idle
    private var sendsMarker = false
    private var nextTick: ContinuousClock.Instant?
    private var commands: (since: ContinuousClock.Instant, count: Int)?

    init(
        _ names: HomeAssistantNames, _ catalog: HomeAssistantCatalog, _ announcement: HomeAssistantAnnouncement,
        _ states: HomeAssistantStates
    ) {
        self.names = names
        self.catalog = catalog
        self.announcement = announcement
        self.states = states
    }

    /// The connection is made.
    ///
    /// - Returns: the filters to subscribe to, at quality of service 0.
    mutating func connected(now: ContinuousClock.Instant) -> [String] {
        var filters = self.announcement.filters + [self.names.status, self.names.marker]
        if self.catalog.components.contains(where: { $0.platform == "switch" || $0.platform == "button" }) {
            filters.append(self.names.command("+"))
        }
        self.state = .subscribing(filters.count, until: now + Self.patience)
        self.nextTick = nil
        return filters
    }

    /// The broker has answered one subscription, or refused it.
    mutating func subscribed() {
        guard case .subscribing(let count, let until) = self.state else { return }
        if count > 1 {
            self.state = .subscribing(count - 1, until: until)
        } else {
            self.state = .listing(until: until)
            self.sendsMarker = true
        }
    }

    /// A message has arrived.
    mutating func received(
        _ topic: String, _ payload: UnsafeRawBufferPointer, isRetained: Bool, now: ContinuousClock.Instant
    ) -> Outcome {
        if topic == self.names.marker {
            if case .listing = self.state { self.state = .listing(until: now) }
            return .none
        }
        if topic == self.names.status {
            // A retained report is from before this connection, whose announcement it has.
            guard !isRetained, payload.elementsEqual("online".utf8), case .announced(let last, let again) = self.state else {
                return .none
            }
            self.state = .announced(last: last, again: again ?? max(now, last + Self.pause))
            return .none
        }
        if topic.hasSuffix("/config") {
            // Our own messages come back too, without the flag.
            switch self.state {
            case .subscribing, .listing: if isRetained { _ = self.announcement.found(topic, payload: payload) }
            case .announced, .idle: break
            }
            return .none
        }
        guard let command = HomeAssistantCommand(topic: topic, payload: payload, self.names, self.catalog) else { return .none }
        return !isRetained && self.mayCommand(now) ? .command(command) : .refusedCommand
    }

    private mutating func mayCommand(_ now: ContinuousClock.Instant) -> Bool {
        if let commands, now - commands.since < .seconds(1) {
            self.commands = (commands.since, commands.count + 1)
        } else {
            self.commands = (now, 1)
        }
        return (self.commands?.count ?? 0) <= Self.mostCommands
    }

    /// The messages that are due.
    ///
    /// - Parameter observe: the figures of now, if they are needed.
    mutating func messages(
        _ observe: () -> BridgeObservation, wall: @autoclosure () -> Timestamp, now: ContinuousClock.Instant
    ) -> [HomeAssistantMessage] {
        switch self.state {
        case .idle: return []
        case .subscribing(_, let until), .listing(let until):
            guard now >= until else {
                defer { self.sendsMarker = false }
                return self.sendsMarker ? [HomeAssistantMessage(self.names.marker, "1", isRetained: false)] : []
            }
        case .announced(_, let again):
            if let again, now >= again { break }
            guard self.nextTick.map({ now >= $0 }) ?? true else { return [] }
            self.nextTick = now + HomeAssistantStates.tick
            return self.states.changes(observe(), wall: wall(), now: now)
        }
        self.state = .announced(last: now, again: nil)
        self.nextTick = now + HomeAssistantStates.tick
        _ = self.states.changes(observe(), wall: wall(), now: now)
        return self.announcement.messages() + [HomeAssistantMessage(self.names.availability, "online")] + self.states.all
    }

    /// When ``messages(_:wall:now:)`` has something to do next; `nil` while not connected.
    var due: ContinuousClock.Instant? {
        switch self.state {
        case .idle: nil
        case .subscribing(_, let until), .listing(let until): until
        case .announced(_, let again): [again, self.nextTick].compactMap { $0 }.min()
        }
    }

    /// The state of an entity is published.
    mutating func published(_ message: HomeAssistantMessage) { self.states.published(message) }

    /// A command has changed the figures.
    mutating func changed() { self.nextTick = nil }

    /// The connection is lost.
    mutating func disconnected() { self.state = .idle }
}
