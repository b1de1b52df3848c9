import Logging
import NIOCore

/// Turns what one source received into log records: normalises, refuses loops, routes.
///
/// Used under its outlet's lock, on the source's own thread.
final class SourceIntake {
    /// The name of the source.
    let source: String
    private let settings: IntakeSettings
    private let normaliser: Normaliser
    private let reader = EventReader()
    private var rules: RoutingRules
    private let loopDetector: LoopDetector
    private let metrics: SourceMetrics
    private let clock: @Sendable () -> Timestamp
    private var native: [Bool] = []
    /// The events of a batch whose expressions are evaluated together, with their repeat keys.
    private var unrouted: [(event: Event, repeatKey: UInt64?)] = []
    private(set) var repeatKeys: RecentSet
    /// The id of the last message of the last batch, for a duplicate the first id; `nil` when it was refused as a loop.
    private(set) var lastID: String?
    /// What is done with bodies before they are read.
    var opening: NormaliseSettings.Opening { self.settings.normalise.opening }
    /// By message of the last batch, if requested: the value of ``lastID``.
    private(set) var ids: [String?] = []
    /// The sinks that were given an event of the last batch before, possibly by another source, and may not have
    /// confirmed it.
    private(set) var repeatedSinks: [SinkIndex] = []

    /// - Parameters:
    ///   - repeatKeys: those of an earlier run, in order.
    ///   - clock: the time of receipt.
    convenience init(
        source: String, settings: IntakeSettings, table: RouteTable, loopDetector: LoopDetector, metrics: SourceMetrics,
        repeatKeys: [UInt64] = [], switches: RouteSwitches = RouteSwitches(), ownEntities: [OwnEntities] = [],
        clock: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        self.init(
            source: source, settings: settings,
            rules: RoutingRules(table: table, switches: switches, ownEntities: ownEntities),
            loopDetector: loopDetector, metrics: metrics,
            repeatKeys: RecentSet(capacity: SourceOutlet.repeatMemory, repeatKeys), clock: clock)
    }

    /// - Parameters:
    ///   - repeatKeys: those of the latest messages.
    ///   - clock: the time of receipt.
    init(
        source: String, settings: IntakeSettings, rules: RoutingRules, loopDetector: LoopDetector, metrics: SourceMetrics,
        repeatKeys: RecentSet, clock: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        self.clock = clock
        self.source = source
        self.settings = settings
        self.normaliser = Normaliser(source: source, blocks: settings.normalise, bridge: settings.bridge)
        self.rules = rules
        self.loopDetector = loopDetector
        self.metrics = metrics
        self.repeatKeys = repeatKeys
    }

    /// Routes by other rules from now on.
    func follow(_ rules: RoutingRules) {
        self.rules = rules
        self.metrics.follow(rules.table, source: self.source)
    }

    /// Makes the records of a batch, in order, without duplicates.
    ///
    /// - Parameter asksIDs: whether ``ids`` is wanted.
    func records(of received: [ReceivedMessage], asksIDs: Bool = false) -> [LogRecord] {
        let now = self.clock()
        let unpacked = self.normaliser.unpack(received, isKnown: self.isKnown, now: now)
        let messages = unpacked.messages
        let asksIDs = asksIDs || unpacked.isSplit
        let accepted = ContinuousClock.now
        var records: [LogRecord] = []
        records.reserveCapacity(messages.count)
        self.native.removeAll(keepingCapacity: true)
        self.ids.removeAll(keepingCapacity: true)
        self.normaliser.begin(messages, now: now)
        defer { self.normaliser.endBatch() }
        /// By record, the index of its message.
        var places: [Int] = []
        var looped = 0
        var unreadable = 0
        var cut = 0
        var known = 0
        var noise = 0
        var own = 0
        for (place, message) in messages.enumerated() {
            defer { if asksIDs { self.ids.append(self.lastID) } }
            if self.isKnown(message) {
                known += 1
                // Ids that derive from the message are the same as the first time.
                self.lastID =
                    asksIDs || messages.count == 1 ? self.normaliser.event(from: message, at: place, now: now).event.id : nil
                continue
            }
            if self.rules.ownEntities.contains(where: { $0.recognise(subject: message.subject, body: message.body) }) {
                own += 1
                self.lastID = nil
                continue
            }
            let outcome = self.normaliser.event(from: message, at: place, now: now)
            if outcome.isNoise {
                noise += 1
                // Its other items may be events that are not to come again.
                if unpacked.isSplit, let key = message.repeatKey { _ = self.repeatKeys.insert(key) }
                self.lastID = outcome.event.id
                continue
            }
            if outcome.problem != nil { unreadable += 1 }
            if outcome.isCut { cut += 1 }
            if !outcome.failures.isEmpty { self.metrics.failed(mapping: outcome.failures, of: outcome.event) }
            let provenance = outcome.event.provenance
            if provenance.isLooped(
                bridge: self.settings.bridge, maximumHops: self.settings.maximumHops, isNative: outcome.isNative)
            {
                looped += 1
                self.lastID = nil
                continue
            }
            if asksIDs { places.append(place) }
            // A refused message is not remembered: sent again, it is refused again.
            if let key = message.repeatKey { _ = self.repeatKeys.insert(key) }
            self.lastID = outcome.event.id
            self.native.append(outcome.isNative)
            if self.rules.table.evaluatesAhead {
                self.unrouted.append((outcome.event, message.repeatKey))
            } else {
                records.append(self.record(of: outcome.event, now: now, accepted: accepted, repeatKey: message.repeatKey))
            }
        }
        if !self.unrouted.isEmpty {
            self.route(into: &records, now: now, accepted: accepted)
            self.unrouted.removeAll(keepingCapacity: true)
        }
        self.reader.unloadLarge()
        let back = self.loopDetector.filter(&records, native: self.native)
        self.repeatedSinks = back.sinks
        // A sender that waits for an answer must not get an id for a refused event.
        if !back.looped.isEmpty, messages.count == 1 { self.lastID = nil }
        if asksIDs { for record in back.looped { self.ids[places[record]] = nil } }
        if unpacked.isSplit {
            self.ids = unpacked.ids(ofParts: self.ids)
            self.lastID = self.ids.last ?? nil
        }
        self.metrics.routed(records)
        self.metrics.received(
            received.count, ignored: noise, unreadable: unreadable, cut: cut, looped: looped + back.looped.count,
            repeated: known + back.repeated, own: own
        )
        return records
    }

    /// Makes and remembers the event of an abandoned message; `nil` for a duplicate.
    func eventToGiveUp(of message: ReceivedMessage) -> Event? {
        guard !self.isKnown(message) else { return nil }
        if let key = message.repeatKey { _ = self.repeatKeys.insert(key) }
        return self.event(of: message)
    }

    private func event(of message: ReceivedMessage) -> Event {
        self.normaliser.wholeEvent(of: message, now: .now())
    }

    /// Whether the peer has sent the message before.
    private func isKnown(_ message: ReceivedMessage) -> Bool {
        guard message.mayBeRepeated, let key = message.repeatKey else { return false }
        return self.repeatKeys.contains(key)
    }

    /// Makes the record of a gap event.
    func record(of report: GapReport) -> LogRecord {
        let now = Timestamp.now()
        let event = Event(
            id: EventID.generate(), title: "Gap", message: report.reason, priority: nil, tags: ["gap"], timestamp: now,
            payload: report.payload, source: self.source, subject: report.subject.isEmpty ? "gap" : report.subject,
            attributes: Attributes(), raw: ByteBuffer(),
            kind: .gap, provenance: Provenance(origin: self.settings.bridge, hops: 1), limits: EventLimits()
        )
        return self.record(of: event, now: now, accepted: .now)
    }

    private func record(
        of event: Event, now: Timestamp, accepted: ContinuousClock.Instant, repeatKey: UInt64? = nil
    ) -> LogRecord {
        let routing = self.rules.table.routing(of: event, reader: self.reader, now: now) { route, error in
            self.metrics.failed(route: route, event, error)
        }
        let left = self.rules.switches.applied(to: routing, of: event, self.rules.table.routes)
        return LogRecord(event: event, routing: left, accepted: accepted, repeatKey: repeatKey)
    }

    /// Makes the records of all waiting events, with their expressions evaluated together.
    private func route(into records: inout [LogRecord], now: Timestamp, accepted: ContinuousClock.Instant) {
        let events = self.unrouted.map(\.event)
        let routings = self.rules.table.routings(of: events, reader: self.reader, now: now) { route, place, error in
            self.metrics.failed(route: route, events[place], error)
        }
        for ((event, key), routing) in zip(self.unrouted, routings) {
            let left = self.rules.switches.applied(to: routing, of: event, self.rules.table.routes)
            records.append(LogRecord(event: event, routing: left, accepted: accepted, repeatKey: key))
        }
    }
}

/// How one source's messages become events.
package struct IntakeSettings: Sendable {
    /// How messages become events.
    package var normalise: NormaliseBlocks
    /// This bridge's name; see ``Provenance/origin``.
    package var bridge: String
    /// How many bridges an event may cross, this one included.
    package var maximumHops: Int
    /// Whether a known loss becomes a gap event, or is only counted.
    package var emitsGaps: Bool

    /// Makes settings; by default an event may cross eight bridges, and losses become gap events.
    package init(
        normalise: NormaliseBlocks = NormaliseBlocks(), bridge: String, maximumHops: Int = 8, emitsGaps: Bool = true
    ) {
        self.normalise = normalise
        self.bridge = bridge
        self.maximumHops = maximumHops
        self.emitsGaps = emitsGaps
    }
}
