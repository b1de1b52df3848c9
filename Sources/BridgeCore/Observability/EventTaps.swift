import DequeModule
import Synchronization

/// Shows operators the events that pass a source, a route or a sink.
///
/// Thread-safe. While nobody watches, a batch costs one relaxed atomic load. Nothing ever waits for a watcher: one that
/// does not keep up misses the oldest events, which are counted.
package final class EventTaps: Sendable {
    /// How many taps may be open at once.
    package static let most = 8

    private struct State {
        var open: [EventTap] = []
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let isAnyOpen = Atomic(false)

    /// Makes taps of which none is open.
    package init() {}

    /// Opens a tap; ``close(_:)`` ends it.
    ///
    /// - Returns: `nil` when ``most`` are open. After ``end()`` one that has ended.
    package func open(at point: EventTap.Point) -> EventTap? {
        self.state.withLock { state in
            guard state.open.count < Self.most else { return nil }
            let tap = EventTap(point)
            guard !state.hasEnded else {
                tap.end()
                return tap
            }
            state.open.append(tap)
            self.isAnyOpen.store(true, ordering: .relaxed)
            return tap
        }
    }

    /// Closes a tap; a repeated call has no effect.
    package func close(_ tap: EventTap) {
        self.state.withLock { state in
            state.open.removeAll { $0 === tap }
            self.isAnyOpen.store(!state.open.isEmpty, ordering: .relaxed)
        }
    }

    /// Ends every tap, because the program ends: watchers get what waits for them, and no later event.
    package func end() {
        let taps = self.state.withLock { state in
            state.hasEnded = true
            self.isAnyOpen.store(false, ordering: .relaxed)
            defer { state.open = [] }
            return state.open
        }
        for tap in taps { tap.end() }
    }

    /// Whether anybody watches.
    var isWatched: Bool { self.isAnyOpen.load(ordering: .relaxed) }

    /// Shows events that a source has accepted, and the routes that take them.
    func accepted(_ records: [LogRecord], from source: String) {
        for tap in self.state.withLock({ $0.open }) { tap.accepted(records, from: source) }
    }

    /// Shows deliveries that a sink has confirmed.
    func confirmed(_ deliveries: [Delivery], by sink: String) {
        for tap in self.state.withLock({ $0.open }) { tap.confirmed(deliveries, by: sink) }
    }
}

/// One watcher's view of the events at one point.
///
/// Thread-safe. Keeps at most ``limit`` events and ``weightLimit`` bytes until they are taken.
package final class EventTap: Sendable {
    /// Events that wait for the watcher; more displace the oldest.
    static let limit = 1000
    /// Their weight in bytes; one event of any size may wait.
    static let weightLimit = 4 << 20

    /// Where events are watched.
    package enum Point: Sendable, Equatable {
        /// Accepted by a source; `nil` for every source.
        case source(String?)
        /// Taken by a route, as it shapes them, before its tools.
        case route(String)
        /// Confirmed by a sink.
        case sink(String)
    }

    /// One event at the point.
    package struct Sighting: Sendable {
        /// When it was there.
        package let time: Timestamp
        /// The event.
        package let event: Event
        /// The route that took it; `nil` at a source and for dead letters.
        package let route: String?
    }

    /// What a watcher takes.
    package struct Taken: Sendable {
        /// Events in order.
        package var events: [Sighting] = []
        /// How many events were there since the tap was opened.
        package var seen = 0
        /// How many of them the watcher has missed.
        package var dropped = 0

        /// Makes what a tap without events gives.
        package init() {}

        init(events: [Sighting], seen: Int, dropped: Int) {
            self.events = events
            self.seen = seen
            self.dropped = dropped
        }
    }

    private struct State {
        var waiting: Deque<Sighting> = []
        var weight = 0
        var seen = 0
        var dropped = 0
        var hasEnded = false
        var notify: (@Sendable () -> Void)?
    }

    /// Where it watches.
    package let point: Point
    private let state = Mutex(State())

    init(_ point: Point) {
        self.point = point
    }

    /// Whether no further event comes; those that wait can still be taken.
    package var hasEnded: Bool { self.state.withLock { $0.hasEnded } }

    func end() {
        let notify = self.state.withLock { state in
            state.hasEnded = true
            return state.notify
        }
        notify?()
    }

    /// Sets what is called, from any thread, when events wait that did not before, or the tap ends.
    ///
    /// It must not block. `nil` removes it.
    package func onEvents(_ notify: (@Sendable () -> Void)?) {
        self.state.withLock { $0.notify = notify }
    }

    /// Takes waiting events, oldest first.
    package func take(atMost limit: Int) -> Taken {
        self.state.withLock { state in
            let count = min(limit, state.waiting.count)
            let events = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            for sighting in events { state.weight -= sighting.event.weight }
            return Taken(events: events, seen: state.seen, dropped: state.dropped)
        }
    }

    func accepted(_ records: [LogRecord], from source: String) {
        let now = Timestamp.now()
        switch self.point {
        case .sink: return
        case .source(let name):
            guard name == nil || name == source else { return }
            self.add(records.map { Sighting(time: now, event: $0.event, route: nil) })
        case .route(let name):
            self.add(
                records.compactMap { record in
                    let entry = record.routing.plan.entries.first { record.routing.plan.names?[$0.route] == name }
                    return entry.map { Sighting(time: now, event: record.event(of: $0), route: name) }
                })
        }
    }

    func confirmed(_ deliveries: [Delivery], by sink: String) {
        guard self.point == .sink(sink) else { return }
        let now = Timestamp.now()
        self.add(
            deliveries.map {
                Sighting(time: now, event: $0.event, route: $0.route.isEmpty ? nil : StoredRoute(text: $0.route).name)
            })
    }

    private func add(_ sightings: [Sighting]) {
        guard !sightings.isEmpty else { return }
        let notify = self.state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.hasEnded else { return nil }
            let wasEmpty = state.waiting.isEmpty
            state.seen += sightings.count
            for sighting in sightings {
                state.waiting.append(sighting)
                state.weight += sighting.event.weight
            }
            while state.waiting.count > Self.limit || (state.weight > Self.weightLimit && state.waiting.count > 1) {
                state.weight -= state.waiting.removeFirst().event.weight
                state.dropped += 1
            }
            return wasEmpty ? state.notify : nil
        }
        notify?()
    }
}
