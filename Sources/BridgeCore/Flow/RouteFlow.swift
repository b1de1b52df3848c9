import DequeModule

/// The tools of one route and what they remember.
///
/// A value without I/O; ``FlowMachine`` owns it. Bounded: ``KeyTable/limit`` keys per tool, ``groupLimit`` digests, and
/// ``heldLimit`` events and bytes. When a bound is reached, the key that was not used for longest is forgotten, and what
/// is due first passes on early; nothing is lost by that.
struct RouteFlow: Sendable {
    static let heldLimit = (events: 10_000, bytes: 16 << 20)
    static let groupLimit = 1000

    /// The order of the tools.
    enum Stage: Int, Comparable, Sendable {
        case changed, sample, throttle, quietHours, digest

        static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    private(set) var name: String
    let identity: String
    let tools: RouteTools
    /// All sinks of the route.
    let targets: [Route.Target]
    let storedTargets: [Route.Target: StoredEvent.Target]
    let events: FlowEvents

    var values = KeyTable<String>()
    var counts = KeyTable<Int>()
    var windows = KeyTable<Throttle.Window>()
    /// What waits for the end of the quiet hours, in order.
    var quiet: Deque<HeldItem> = []
    /// The latest event of each key of `sample.every`.
    var latest: [ExactText: HeldItem] = [:]
    var latestDue = DueHeap()
    var groups: [ExactText: DigestGroup] = [:]
    var groupsDue = DueHeap()
    var expected: [ExactText: ExpectedKey] = [:]
    var expectedDue = DueHeap()
    var missing = 0

    /// The weight of ``quiet`` and ``latest`` in bytes.
    var heldWeight = 0
    var nextID: Int64
    var recorder: FlowRecorder
    /// What passes on, in order, until ``FlowMachine`` takes it.
    var released: [ReleasedEvent] = []
    var notes: [FlowNote] = []

    /// - Parameters:
    ///   - sinks: the names of the sinks.
    ///   - isRecording: whether changes are written to a log on disk.
    ///   - last: the highest id of a held event of an earlier run.
    init(
        _ route: Route, tools: RouteTools, sinks: [String], events: FlowEvents, isRecording: Bool, after last: Int64 = 0,
        now: Timestamp
    ) {
        self.nextID = last + 1
        self.name = route.name
        self.identity = route.identity
        self.tools = tools
        self.targets = route.targets
        self.events = events
        self.recorder = FlowRecorder(isRecording: isRecording)
        var stored: [Route.Target: StoredEvent.Target] = [:]
        for target in route.targets where sinks.indices.contains(target.sink.rawValue) {
            stored[target] = StoredEvent.Target(
                sink: sinks[target.sink.rawValue], route: StoredRoute(route, settings: target.settings).text,
                variant: target.variant, copy: -1)
        }
        self.storedTargets = stored
        if let expect = tools.expect, expect.key.text.isEmpty {
            self.expect("", ExpectedKey(last: now, wasSeen: false), due: now.adding(expect.interval))
        }
    }

    /// Takes the name that the same route has in another configuration, where its number may differ.
    mutating func follow(_ route: Route) {
        self.name = route.name
    }

    /// The number of events that are kept for later; a digest counts as one.
    var heldCount: Int { self.quiet.count + self.latest.count + self.groups.count }

    /// When something is due next.
    var due: Timestamp? {
        [self.quiet.first?.due, self.latestDue.first?.due, self.groupsDue.first?.due, self.expectedDue.first?.due]
            .compactMap { $0 }.min()
    }

    /// Decides about one event.
    ///
    /// - Parameter stage: the first tool that sees it.
    mutating func apply(_ item: FlowItem, from stage: Stage = .changed, now: Timestamp) -> FlowVerdict {
        if self.tools.expect != nil {
            self.saw(item, now: now)
            return .joined
        }
        var item = item
        if stage <= .changed, let changed = self.tools.changed, !self.passes(item, changed) { return self.drop(.changed) }
        if stage <= .sample, let sample = self.tools.sample {
            if let interval = sample.interval { return self.keepLatest(item, due: now.adding(interval)) }
            guard self.isSampled(item, sample) else { return self.drop(.sample) }
        }
        if stage <= .throttle, let throttle = self.tools.throttle, !item.reading.bypassesThrottle {
            guard self.passes(item, throttle, now: now) else { return self.drop(.throttle) }
        }
        var isLowered = false
        var quietEnd: Timestamp?
        if let quiet = self.tools.quietHours {
            quietEnd = quiet.end(at: now)
            if quietEnd != nil, item.reading.bypassesQuiet { return .passes(nil) }
            if stage <= .quietHours, !item.reading.bypassesQuiet {
                switch quiet.action {
                case .hold where quietEnd != nil || !self.quiet.isEmpty:
                    // What comes after the hours stays behind what still waits.
                    return self.holdQuiet(item, due: quietEnd ?? now)
                case .digest where quietEnd != nil && !item.reading.bypassesDigest:
                    return self.join(item, due: quietEnd ?? now, now: now)
                case .drop where quietEnd != nil: return self.drop(.quietHours)
                case .lower where quietEnd != nil:
                    let limit = quiet.priority ?? 1
                    if item.event.priority ?? 3 > limit {
                        item.event = self.events.event(item.event, priority: limit)
                        isLowered = true
                    }
                default: break
                }
            }
        }
        if let digest = self.tools.digest, !item.reading.bypassesDigest {
            return self.join(item, due: now.adding(digest.window), now: now)
        }
        return .passes(isLowered ? item.event : nil)
    }

    private mutating func drop(_ reason: FlowReason) -> FlowVerdict {
        self.notes.append(.dropped(reason))
        return .dropped(reason)
    }

    // MARK: Tools that only remember

    private mutating func passes(_ item: FlowItem, _ changed: Changed) -> Bool {
        guard let value = item.reading.changedValue else { return false }
        let key = item.reading.changedKey
        if let known = self.values[key], ExactText(known) == ExactText(value) { return false }
        self.touch("changed", key, forgotten: self.values.set(key, value))
        return true
    }

    private mutating func isSampled(_ item: FlowItem, _ sample: Sample) -> Bool {
        let key = item.reading.sampleKey
        let count = self.counts[key] ?? 0
        self.touch("sample", key, forgotten: self.counts.set(key, (count + 1) % (sample.count ?? 1)))
        return count == 0
    }

    private mutating func passes(_ item: FlowItem, _ throttle: Throttle, now: Timestamp) -> Bool {
        let key = item.reading.throttleKey
        guard let window = throttle.window(after: self.windows[key], now: now) else { return false }
        self.touch("throttle", key, forgotten: self.windows.set(key, window))
        return true
    }

    /// Notes a changed state, and those that were forgotten for it.
    mutating func touch(_ tool: String, _ key: String, forgotten: [String] = []) {
        if !forgotten.isEmpty { self.notes.append(.full(tool: tool)) }
        guard self.recorder.isRecording else { return }
        let route = self.identity
        self.recorder.touch(FlowStateKey(route: route, tool: tool, key: key))
        for key in forgotten { self.recorder.touch(FlowStateKey(route: route, tool: tool, key: key)) }
    }
}

extension Timestamp {
    /// The time after a duration.
    func adding(_ duration: Duration) -> Timestamp { Timestamp(milliseconds: self.milliseconds + duration.milliseconds) }
}
