import Synchronization

/// Decides which sinks receive an event.
///
/// Immutable; consulted by every source on its own thread.
///
/// The routes' sources and subjects are indexed, so an event is checked only against routes for its subject. Those
/// routes and the resulting plans are cached per source and subject: an event with a cached subject costs one look-up
/// and the conditions of its routes.
package final class RouteTable: Sendable {
    /// The routes in the order of the file.
    package let routes: [Route]
    /// What the indices in the table's plans mean.
    let names: RouteNames
    let limits: EventLimits
    /// By the sources that routes name.
    private let named: [String: SourceTable]
    /// For all other sources.
    private let other: SourceTable
    private let candidates: CandidateStore
    /// By source, `nil` for all: the routes with expressions, which may fail.
    private let failing: [String?: [RouteIndex]]
    /// By route: its condition, if an evaluator supports batches.
    private let conditions: [Int: any Expression]
    /// The routes with expressions that are evaluated for matching events.
    private let makings: Set<Int>

    /// - Parameters:
    ///   - sinks: the names of the sinks by index.
    ///   - limits: for events changed by `set:`.
    package init(routes: [Route], sinks: [String] = [], limits: EventLimits = EventLimits()) {
        self.routes = routes
        let names = RouteNames(routes: routes, sinks: sinks)
        self.names = names
        self.limits = limits
        var conditions: [Int: any Expression] = [:]
        var makings: Set<Int> = []
        for (index, route) in routes.enumerated() {
            if let when = route.when, when.evaluator != nil { conditions[index] = when }
            if route.shaping?.isEvaluated == true || route.dedupe?.key.isEvaluated == true || route.tools?.isEvaluated == true {
                makings.insert(index)
            }
        }
        self.conditions = conditions
        self.makings = makings
        let candidates = CandidateStore(routes: routes, names: names)
        self.candidates = candidates
        var common = SubjectTrie()
        var own: [String: SubjectTrie] = [:]
        var gaps: [String?: [Int]] = [:]
        var failing: [String?: [RouteIndex]] = [:]
        for (index, route) in routes.enumerated() {
            guard let sources = Self.sources(of: route) else {
                common.insert(route, index)
                gaps[nil, default: []].append(index)
                if route.mayFail { failing[nil, default: []].append(RouteIndex(index)) }
                continue
            }
            for source in sources {
                own[source, default: SubjectTrie()].insert(route, index)
                gaps[source, default: []].append(index)
                if route.mayFail { failing[source, default: []].append(RouteIndex(index)) }
            }
        }
        self.failing = failing
        let everywhere = gaps[nil] ?? []
        self.other = SourceTable(
            common: common, own: SubjectTrie(), gap: Self.gapPlan(everywhere, routes, names), candidates: candidates)
        var named: [String: SourceTable] = [:]
        for (source, trie) in own {
            let gap = Self.gapPlan((everywhere + (gaps[source] ?? [])).sorted(), routes, names)
            named[source] = SourceTable(common: common, own: trie, gap: gap, candidates: candidates)
        }
        self.named = named
    }

    /// Decides where an event goes.
    ///
    /// A gap event goes to every target of every route from its source, regardless of filters, unshaped and at most
    /// once per target.
    ///
    /// - Parameters:
    ///   - event: loaded into `reader` by this function only when a route needs its content.
    ///   - reader: the caller's own.
    ///   - failures: receives the route's index and the error of each expression that failed; the route then does not
    ///     match, see ``Routing/lost``, or has no key for the event.
    package func routing(
        of event: Event, reader: EventReader, now: Timestamp, failures: (RouteIndex, ExpressionError) -> Void
    ) -> Routing {
        let table = self.table(of: event.source)
        switch event.kind {
        case .message: break
        case .gap: return Routing(plan: table.gap, shaped: [])
        case .deadLetter: return Routing(plan: .nowhere, shaped: [])
        }
        let candidates = table.candidates(for: event.subject)
        if let plan = candidates.plan { return Routing(plan: plan, shaped: []) }
        reader.load(event, now: now)
        return self.routing(of: event, candidates, reader, failures)
    }

    /// Decides among candidates for the event that the reader holds.
    private func routing(
        of event: Event, _ candidates: Candidates, _ reader: EventReader, _ failures: (RouteIndex, ExpressionError) -> Void
    ) -> Routing {
        var matches = MatchSet(count: candidates.items.count)
        var shaped: [Event] = []
        var keys: [RouteIndex: DedupeKey] = [:]
        var readings: [(route: RouteIndex, reading: ToolReading)] = []
        var lost: [LostRoute] = []
        func fail(_ item: RouteIndex, _ key: String, _ error: any Error) {
            let (error, route) = (ExpressionError(wrapping: error), self.routes[item.rawValue])
            failures(item, error)
            if route.onError == .deadLetter { lost.append(LostRoute(of: event, route, key, error)) }
        }
        for (place, item) in candidates.items.enumerated() {
            let route = self.routes[item]
            guard self.takes(route, item, event, reader, { fail($0, "when", $1) }) else { continue }
            if let shaping = route.shaping {
                do {
                    shaped.append(try shaping.apply(to: event, reader: reader, limits: self.limits))
                } catch {
                    fail(RouteIndex(item), "set", error)
                    continue
                }
            }
            if let dedupe = route.dedupe {
                do {
                    if let key = try dedupe.key(of: reader) {
                        keys[RouteIndex(item)] = DedupeKey(route: route.identity, key: key, window: dedupe.window)
                    }
                } catch {
                    // An event without a key is not a duplicate of any other.
                    failures(RouteIndex(item), ExpressionError(wrapping: error))
                }
            }
            if let tools = route.tools {
                do {
                    readings.append((RouteIndex(item), try tools.reading(of: reader)))
                } catch {
                    // Without a key no tool can decide, so the event passes.
                    failures(RouteIndex(item), ExpressionError(wrapping: error))
                }
            }
            matches.insert(place)
            if route.stop { break }
        }
        return Routing(
            plan: candidates.plan(for: matches), shaped: shaped, keys: keys, lost: lost,
            readings: readings.isEmpty ? nil : ToolReadings(readings))
    }

    /// Routes an event through one route on which it failed before.
    ///
    /// - Parameters:
    ///   - name: the route as stored in a log on disk; an unknown one yields nothing.
    ///   - failures: as above.
    func routing(
        of event: Event, through name: String, reader: EventReader, now: Timestamp,
        failures: (RouteIndex, ExpressionError) -> Void
    ) -> Routing {
        let stored = StoredRoute(text: name)
        let index = self.routes.firstIndex { route in
            stored.fingerprint == nil ? route.name == stored.name : route.fingerprint == stored.fingerprint
        }
        guard let index, Self.sources(of: self.routes[index])?.contains(event.source) ?? true else {
            return Routing(plan: .nowhere, shaped: [])
        }
        reader.load(event, now: now)
        guard self.routes[index].match?.matches(reader) ?? true else { return Routing(plan: .nowhere, shaped: []) }
        return self.routing(of: event, self.candidates.candidates([index]), reader, failures)
    }

    /// The routes that may fail for events of a source: those from it with expressions.
    func failing(for source: String) -> [RouteIndex] { (self.failing[nil] ?? []) + (self.failing[source] ?? []) }

    /// Whether expressions of some route are evaluated for events of a source.
    func evaluates(for source: String) -> Bool {
        guard self.evaluatesAhead else { return false }
        return self.routes.indices.contains { index in
            (self.conditions[index] != nil || self.makings.contains(index))
                && Self.sources(of: self.routes[index])?.contains(source) ?? true
        }
    }

    /// Whether ``routings(of:reader:now:failures:)`` is preferable, because expressions are evaluated.
    var evaluatesAhead: Bool { !self.conditions.isEmpty || !self.makings.isEmpty }

    /// Routes the events of a batch like ``routing(of:reader:now:failures:)``, with the expressions evaluated in two
    /// steps: first conditions, then changes and keys of the matching routes.
    ///
    /// - Parameter failures: receives the route's index, the index of the event, and the error.
    func routings(
        of events: [Event], reader: EventReader, now: Timestamp, failures: (RouteIndex, Int, ExpressionError) -> Void
    ) -> [Routing] {
        reader.begin(events, now: now)
        defer { reader.endBatch() }
        let candidates = events.map { event -> Candidates? in
            guard event.kind == .message else { return nil }
            let candidates = self.table(of: event.source).candidates(for: event.subject)
            return candidates.plan == nil ? candidates : nil
        }
        var requests: [EvaluatedAhead.Request] = []
        for (place, found) in candidates.enumerated() {
            guard let found else { continue }
            for item in found.items {
                guard let when = self.conditions[item] else { continue }
                if let residual = self.routes[item].match?.residual {
                    reader.load(at: place)
                    guard residual.holds(reader) else { continue }
                }
                requests.append(EvaluatedAhead.Request(expression: when, event: place, view: .condition))
            }
        }
        reader.evaluateAhead(requests)
        if !self.makings.isEmpty {
            requests.removeAll(keepingCapacity: true)
            for (place, found) in candidates.enumerated() {
                guard let found, found.items.contains(where: self.makings.contains) else { continue }
                reader.load(at: place)
                for item in found.items where self.takes(self.routes[item], item, events[place], reader, { _, _ in }) {
                    if self.makings.contains(item) {
                        for expression in self.routes[item].shaping?.expressions(for: reader) ?? [] {
                            requests.append(EvaluatedAhead.Request(expression: expression, event: place, view: .template))
                        }
                        let route = self.routes[item]
                        for expression in (route.dedupe?.key.expressions(for: reader) ?? [])
                            + (route.tools?.expressions(for: reader) ?? [])
                        {
                            requests.append(EvaluatedAhead.Request(expression: expression, event: place, view: .condition))
                        }
                    }
                    if self.routes[item].stop { break }
                }
            }
            // Requests for one event and view are adjacent.
            reader.evaluateAhead(requests.filter { $0.view == .template } + requests.filter { $0.view == .condition })
        }
        return candidates.indices.map { place in
            guard let found = candidates[place] else {
                return self.routing(of: events[place], reader: reader, now: now) { failures($0, place, $1) }
            }
            reader.load(at: place)
            return self.routing(of: events[place], found, reader) { failures($0, place, $1) }
        }
    }

    private func table(of source: String) -> SourceTable {
        self.named.isEmpty ? self.other : self.named[source] ?? self.other
    }

    private func takes(
        _ route: Route, _ index: Int, _ event: Event, _ reader: EventReader, _ failures: (RouteIndex, ExpressionError) -> Void
    ) -> Bool {
        if let residual = route.match?.residual, !residual.holds(reader) { return false }
        guard let when = route.when else { return true }
        do {
            return try reader.value(of: when, .condition).isTrue
        } catch {
            failures(RouteIndex(index), ExpressionError(wrapping: error))
            return false
        }
    }

    /// The sources of a route by `from` and by `match` together; `nil` means every one.
    private static func sources(of route: Route) -> Set<String>? {
        guard let sources = route.sources else { return route.match?.sources }
        return route.match?.sources.map { sources.intersection($0) } ?? sources
    }

    private static func gapPlan(_ indexes: [Int], _ routes: [Route], _ names: RouteNames) -> RoutePlan {
        var seen: Set<Route.Target> = []
        var entries: [RoutePlan.Entry] = []
        for index in indexes {
            for target in routes[index].targets where seen.insert(target).inserted {
                entries.append(RoutePlan.Entry(sink: target.sink, variant: target.variant, route: RouteIndex(index), shape: -1))
            }
        }
        return entries.isEmpty ? .nowhere : RoutePlan(entries: entries, names: names)
    }
}

extension Route {
    /// Whether it has any expression.
    fileprivate var mayFail: Bool { self.when != nil || self.shaping != nil || self.dedupe != nil || self.tools != nil }
}

extension SubjectTrie {
    fileprivate mutating func insert(_ route: Route, _ index: Int) {
        guard let subjects = route.match?.subjects else { return self.insertForAll(value: index) }
        for subject in subjects { self.insert(subject, value: index) }
    }
}

/// The routes for one source's events: those for all sources and those for this one.
///
/// Guarded by its lock: the cached routes of subjects.
private final class SourceTable: Sendable {
    private let common: SubjectTrie
    private let own: SubjectTrie
    private let store: CandidateStore
    private let cache = Mutex(SubjectCache())
    /// Where gap events go.
    let gap: RoutePlan

    init(common: SubjectTrie, own: SubjectTrie, gap: RoutePlan, candidates: CandidateStore) {
        self.common = common
        self.own = own
        self.gap = gap
        self.store = candidates
    }

    func candidates(for subject: String) -> Candidates {
        if let known = self.cache.withLock({ $0.find(subject) }) { return known }
        var indexes: [Int] = []
        self.common.collect(subject, into: &indexes)
        self.own.collect(subject, into: &indexes)
        let found = self.store.candidates(indexes)
        self.cache.withLock { $0.insert(found, for: subject) }
        return found
    }
}

/// The destinations of one event.
package struct Routing: Sendable {
    /// Shared between all events with the same destinations; empty when no route matched the event.
    package let plan: RoutePlan
    /// What only few events have; one reference, because each record of the log has a copy.
    private let rare: Rare?

    /// The key of a delivery; `nil` for a route without `dedupe:` and `replace_key:`.
    func key(of entry: RoutePlan.Entry) -> DedupeKey? { self.keys.isEmpty ? nil : self.keys[entry.route] }

    /// Makes the result for an event that no route lost.
    package init(plan: RoutePlan, shaped: [Event], keys: [RouteIndex: DedupeKey] = [:]) {
        self.init(plan: plan, shaped: shaped, keys: keys, lost: [])
    }

    init(
        plan: RoutePlan, shaped: [Event], keys: [RouteIndex: DedupeKey], lost: [LostRoute], readings: ToolReadings? = nil
    ) {
        self.plan = plan
        let isUsual = shaped.isEmpty && keys.isEmpty && lost.isEmpty && readings == nil
        self.rare = isUsual ? nil : Rare(shaped: shaped, keys: keys, lost: lost, readings: readings)
    }

    /// The changed copies that ``RoutePlan/Entry/shape`` points at; empty for most.
    package var shaped: [Event] { self.rare?.shaped ?? [] }
    /// By the index of the route in ``RouteTable/routes``, for routes with `dedupe:`; empty for most.
    package var keys: [RouteIndex: DedupeKey] { self.rare?.keys ?? [:] }
    /// The routes whose `when:` or `set:` failed; empty for most.
    var lost: [LostRoute] { self.rare?.lost ?? [] }
    /// What the tools of the routes need to know; `nil` when none of the routes has tools.
    var readings: ToolReadings? { self.rare?.readings }

    private final class Rare: Sendable {
        let shaped: [Event]
        let keys: [RouteIndex: DedupeKey]
        let lost: [LostRoute]
        let readings: ToolReadings?

        init(shaped: [Event], keys: [RouteIndex: DedupeKey], lost: [LostRoute], readings: ToolReadings?) {
            self.shaped = shaped
            self.keys = keys
            self.lost = lost
            self.readings = readings
        }
    }
}

/// A route on which an event was lost, because one of its expressions failed.
struct LostRoute: Sendable {
    /// The sinks that the route would have chosen.
    let sinks: [SinkIndex]
    let letter: DeadLetter
    /// The event for the dead-letter sink; rendered here, because the log adds it while it holds its lock.
    let deadLetter: Event

    init(of event: Event, _ route: Route, _ key: String, _ error: ExpressionError) {
        self.sinks = route.targets.map(\.sink)
        self.letter = DeadLetter(
            reason: "'\(key)' of the route '\(route.name)' failed: \(error.message)", sink: "", route: route.name, attempts: 0)
        self.deadLetter = self.letter.event(of: event)
    }
}
