import BridgeTesting
import NIOCore
import Synchronization
import Testing

@testable import BridgeCore

/// One random schedule of commands.
struct DeliveryRun {
    static let sinks = 4
    static let sources = 3

    var random: SeededGenerator
    let isOnDisk: Bool
    var settings: [DeliverySettings]
    var policies: [AcknowledgePolicy]
    var unrouted: Int?
    var fixture: DeliveryFixture
    var model: PlainDelivery
    var file = PlainLogFile()
    /// A group that the disk has not taken.
    var refused: DeliveryLog.Work?
    var isDiskFull = false
    private var inFlight = Array(repeating: [Delivery](), count: Self.sinks)
    var appended = Array(repeating: UInt64(0), count: Self.sources)
    /// By source: the last event that it has sent; what it gives up is safe once it is written.
    var sent = Array(repeating: UInt64(0), count: Self.sources)
    var safe = Array(repeating: UInt64(0), count: Self.sources)
    /// By source: the last event that may be safe and pending, because a reload changed who waits for what.
    var excused = Array(repeating: UInt64(0), count: Self.sources)
    private var numbered = 0
    private var number: UInt64 = 1
    private var nextID = 0
    private var counted = (dropped: 0, letters: 0, duplicates: 0, unrouted: 0)

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.isOnDisk = Bool.random(using: &random)
        let isOnDisk = self.isOnDisk
        self.unrouted = Bool.random(using: &random) ? Int.random(in: 0..<Self.sinks, using: &random) : nil
        self.settings = (0..<Self.sinks).map { sink in
            var settings = DeliverySettings()
            settings.onFull = OverflowPolicy.allCases.randomElement(using: &random) ?? .block
            settings.events = Int.random(in: 2...12, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 { settings.bytes = Int.random(in: 800...4000, using: &random) }
            settings.retry.attempts = Int.random(in: 1...3, using: &random)
            if Bool.random(using: &random) || (settings.onFull == .deadLetter && !isOnDisk) {
                settings.deadLetter = "sink-\(Self.target(of: sink, using: &random))"
            }
            return settings
        }
        self.policies = (0..<Self.sources).map { _ in
            let policies: [AcknowledgePolicy] = isOnDisk ? [.received, .logged, .delivered] : [.received, .delivered]
            return policies.randomElement(using: &random) ?? .delivered
        }
        self.fixture = Self.start(self.settings, self.policies, self.unrouted, isOnDisk ? LogContents() : nil)
        self.model = PlainDelivery(
            sinks: self.settings.map { PlainDelivery.Sink(settings: $0) }, unrouted: self.unrouted, isOnDisk: isOnDisk)
        self.random = random
    }

    /// A dead-letter sink for a sink: most often the last one, which then collects the letters of several.
    private static func target(of sink: Int, using random: inout SeededGenerator) -> Int {
        let others = (0..<Self.sinks).filter { $0 != sink }
        return Bool.random(using: &random) ? others[others.count - 1] : others.randomElement(using: &random) ?? 0
    }

    private static func start(
        _ settings: [DeliverySettings], _ policies: [AcknowledgePolicy], _ unrouted: Int?, _ contents: LogContents?
    ) -> DeliveryFixture {
        DeliveryFixture(
            sources: policies, sinks: settings, unrouted: unrouted.map { SinkIndex($0) }, contents: contents)
    }

    mutating func step() {
        let sink = self.chance(Self.sinks)
        switch self.chance(25) {
        case 0..<7: self.append()
        case 7..<11: self.take(sink)
        case 11..<13: self.confirmThrough(sink)
        case 13..<15: self.confirmOne(sink)
        case 15: self.refuse(sink)
        case 16: self.postpone(sink)
        case 17: self.reclaim(sink)
        case 18..<21: self.write()
        case 21: self.fillDisk()
        case 22: self.replay()
        case 23: self.reload()
        default: if self.chance(3) == 0 { self.crash() } else { self.giveUpAtSource() }
        }
        self.check()
    }

    mutating func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self.random) }

    // MARK: The sources' side

    private mutating func append() {
        let source = self.chance(Self.sources)
        var touched: [Int] = []
        var records: [LogRecord] = []
        for _ in 0...self.chance(4) {
            var entries: [(sink: Int, variant: Int)] = []
            for sink in 0..<Self.sinks where self.chance(3) == 0 {
                entries.append((sink, 0))
                if self.chance(5) == 0 { entries.append((sink, 1)) }
            }
            let key =
                self.chance(3) > 0
                ? nil
                : DedupeKey(route: "route", key: "\(self.chance(3))", window: self.chance(4) == 0 ? .zero : .seconds(3600))
            let event = self.event(source)
            let lost = self.chance(6) > 0 ? nil : (0..<Self.sinks).filter { _ in self.chance(3) == 0 }
            records.append(Self.record(event, entries, key, lost: lost))
            let letterSinks = self.model.append(event, source: source, entries: entries, key: key, lost: lost)
            for sink in entries.map(\.sink) + letterSinks where !touched.contains(sink) { touched.append(sink) }
        }
        // A sink that was given the event before, by another source.
        let repeated = self.chance(8) == 0 ? [SinkIndex(self.chance(Self.sinks))] : []
        let receipt = self.fixture.log.append(records, repeated: repeated, source: SourceIndex(source))
        self.appended[source] = self.model.head
        self.sent[source] = self.model.head
        #expect(receipt.position.rawValue == self.model.head)
        // The dead letters of full sinks come behind.
        for sink in touched { self.model.makeRoom(sink) }
    }

    private mutating func event(_ source: Int) -> Event {
        self.nextID += 1
        return .made("\(self.nextID)", source: "source-\(source)", message: String(repeating: "x", count: self.chance(200)))
    }

    /// - Parameter lost: the sinks of a route that the event is lost to.
    private static func record(
        _ event: Event, _ entries: [(sink: Int, variant: Int)], _ key: DedupeKey?, lost: [Int]? = nil
    ) -> LogRecord {
        let entries = entries.map {
            RoutePlan.Entry(sink: SinkIndex($0.sink), variant: $0.variant, route: 0, shape: -1)
        }
        let lost = lost.map { sinks in
            let route = Route(name: "route", targets: sinks.map { Route.Target(sink: SinkIndex($0)) })
            return LostRoute(of: event, route, "when", ExpressionError("it failed"))
        }
        let routing = Routing(
            plan: RoutePlan(entries: entries), shaped: [], keys: key.map { [0: $0] } ?? [:], lost: lost.map { [$0] } ?? [])
        return LogRecord(event: event, routing: routing, accepted: .now)
    }

    private mutating func giveUpAtSource() {
        let source = self.chance(Self.sources)
        let event = self.event(source)
        let receipt = self.fixture.log.keep(
            event, repeatKey: nil, reason: "handed out too often", attempts: 3, source: SourceIndex(source))
        #expect((receipt != nil) == self.isOnDisk)
        guard let receipt else { return }
        self.model.head += 1
        self.appended[source] = self.model.head
        #expect(receipt.position.rawValue == self.model.head)
        let item = PlainDelivery.Item(event: event, position: self.model.head, source: source)
        self.model.kept[self.model.newLetter()] = (item, "", false)
    }

    // MARK: The sinks' side

    private mutating func take(_ sink: Int) {
        let limit = 1 + self.chance(5)
        let taken = self.fixture.take(limit, sink: SinkIndex(sink))
        let expected = self.model.poll(sink, atMost: limit)
        let texts = taken.map { PlainDelivery.Item(event: $0.event, position: $0.position.rawValue, variant: $0.variant).text }
        #expect(texts == expected.map(\.text), "sink \(sink)")
        let first = self.model.sinks[sink].inFlight.count - expected.count
        for (offset, delivery) in taken.enumerated() where offset < expected.count {
            self.model.sinks[sink].inFlight[first + offset].ticket = delivery.ticket
            #expect(delivery.attempts == expected[offset].attempts)
        }
        self.inFlight[sink] += taken
    }

    private mutating func confirmThrough(_ sink: Int) {
        guard let last = self.inFlight[sink].randomElement(using: &self.random) else { return }
        let done = self.inFlight[sink].filter { $0.ticket <= last.ticket }
        if self.isOnDisk, self.chance(2) == 0 {
            self.fixture.log.number(sink: SinkIndex(sink), done[...], from: self.number, snapshot: SnapshotChanges())
            self.number += UInt64(done.count)
            self.numbered += done.count
        }
        self.inFlight[sink].removeAll { $0.ticket <= last.ticket }
        self.fixture.log.confirm(sink: SinkIndex(sink), through: last)
        self.model.confirm(sink) { $0.ticket <= last.ticket }
    }

    private mutating func confirmOne(_ sink: Int) {
        guard let one = self.removeOne(sink) else { return }
        self.fixture.log.confirm(sink: SinkIndex(sink), one)
        self.model.confirm(sink) { $0.ticket == one.ticket }
        // Twice does nothing.
        self.fixture.log.confirm(sink: SinkIndex(sink), one)
    }

    private mutating func refuse(_ sink: Int) {
        guard let one = self.removeOne(sink) else { return }
        self.fixture.log.refuse(sink: SinkIndex(sink), one, reason: "no")
        self.model.refuse(sink, ticket: one.ticket, reason: "no")
    }

    private mutating func postpone(_ sink: Int) {
        guard let one = self.inFlight[sink].randomElement(using: &self.random) else { return }
        self.fixture.log.postpone(sink: SinkIndex(sink), one, reason: "503")
        self.model.postpone(sink, ticket: one.ticket, reason: "503")
        let left = Set(self.model.sinks[sink].inFlight.map(\.ticket))
        self.inFlight[sink].removeAll { !left.contains($0.ticket) }
    }

    mutating func reclaim(_ sink: Int) {
        self.fixture.log.reclaim(sink: SinkIndex(sink))
        self.model.reclaim(sink)
        self.inFlight[sink] = []
    }

    private mutating func removeOne(_ sink: Int) -> Delivery? {
        guard let one = self.inFlight[sink].randomElement(using: &self.random) else { return nil }
        self.inFlight[sink].removeAll { $0.ticket == one.ticket }
        return one
    }

    // MARK: The disk

    private mutating func write() {
        guard self.isOnDisk else { return }
        let marks = self.chance(3) > 0
        if self.isDiskFull {
            if self.refused == nil { self.refused = self.fixture.log.takeWork(marks: marks) }
            self.fixture.log.setWritesFail(true)
            return
        }
        if let refused { self.commit(refused) }
        self.refused = nil
        self.commit(self.fixture.log.takeWork(marks: marks), isComplete: marks)
    }

    /// - Parameter isComplete: whether the work contains everything so far, which the file must then match.
    mutating func commit(_ work: DeliveryLog.Work, isComplete: Bool = false) {
        self.file.commit(work)
        if isComplete { self.compareFile() }
        self.model.committed = work.head.rawValue
        self.fixture.log.committed(work)
        for sink in self.model.sinks.indices where !self.model.sinks[sink].log.isEmpty { self.model.makeRoom(sink) }
    }

    /// Checks that the file has exactly the pending deliveries and the dead letters.
    private func compareFile() {
        for (sink, plain) in self.model.sinks.enumerated() {
            let owed = Set(self.file.owed(to: sink).map(\.position.rawValue))
            let expected = Set(plain.all.map(\.position))
            self.require(owed == expected, "the file owes sink \(sink) \(owed.sorted()), not \(expected.sorted())")
        }
        let owed = self.file.letters.mapValues { $0.target != nil }
        let expected = self.model.kept.mapValues(\.isOwed)
        self.require(owed == expected, "the file has the letters \(owed), not \(expected)")
    }

    private mutating func fillDisk() {
        self.isDiskFull = self.isOnDisk && !self.isDiskFull
    }

    private mutating func replay() {
        guard self.isOnDisk else { return }
        self.isDiskFull = false
        self.write()
        let held = self.file.letters.values.filter { self.model.kept[$0.id]?.isOwed == false }.sorted { $0.id < $1.id }
        guard let letter = held.randomElement(using: &self.random), letter.target == nil else { return }
        if letter.sink.isEmpty {
            self.replayAsNew(letter)
        } else if let sink = Int(letter.sink.dropFirst(5)) {
            #expect(self.fixture.log.replay(letter, RouteTargets(routes: [], sinks: [])))
            self.model.replay(letter.id, to: sink)
        }
    }

    private mutating func replayAsNew(_ letter: StoredDeadLetter) {
        let entries = (0..<Self.sinks).filter { _ in self.chance(3) == 0 }.map { (sink: $0, variant: 0) }
        let source = Int(letter.event.source.dropFirst(7)) ?? 0
        let isTaken = self.fixture.log.replay(letter, Self.record(letter.event, entries, nil))
        #expect(isTaken == (!entries.isEmpty || self.unrouted != nil))
        guard isTaken else { return }
        let letterSinks = self.model.append(letter.event, source: source, entries: entries, key: nil)
        self.appended[source] = self.model.head
        for sink in entries.map(\.sink) + letterSinks { self.model.makeRoom(sink) }
        self.model.kept[letter.id] = nil
    }

    /// The process is killed and started again: what was not written is lost, and what was in flight is offered again.
    private mutating func crash() {
        guard self.isOnDisk else { return }
        self.count()
        let before = self.model
        self.isDiskFull = false
        self.refused = nil
        self.inFlight = Array(repeating: [], count: Self.sinks)
        for (sink, plain) in before.sinks.enumerated() { self.requireKept(plain.all, of: sink, upTo: before.committed) }
        if self.chance(3) == 0 { self.changeDeadLetterSinks() }
        self.fixture = Self.start(self.settings, self.policies, self.unrouted, self.file.contents(sinks: Self.sinks))
        self.model.head = self.file.head.rawValue
        self.model.committed = self.model.head
        self.model.lastDeadLetter = self.file.letters.keys.max() ?? 0
        self.model.kept = self.file.letters.mapValues { letter in
            var item = PlainDelivery.Item(event: letter.event, position: letter.position.rawValue, variant: letter.variant)
            item.route = letter.route
            item.source = Int(letter.event.source.dropFirst(7))
            return (item, letter.sink, letter.target != nil)
        }
        self.appended = self.appended.map { _ in self.model.head }
        self.safe = self.safe.map { _ in 0 }
        self.sent = self.sent.map { _ in 0 }
        self.excused = self.excused.map { _ in 0 }
        for sink in 0..<Self.sinks { self.restore(sink) }
        self.load()
        for (sink, plain) in before.sinks.enumerated() {
            let known = Set(self.model.sinks[sink].all.map(\.event.id))
            for item in plain.all where item.position <= self.model.committed {
                let isLetter = self.model.kept.values.contains { $0.item.event.id == item.event.id }
                #expect(
                    known.contains(item.event.id) || isLetter || self.model.sinks[sink].settings.onFull == .dropOldest,
                    "\(item.text) of sink \(sink) is lost")
            }
        }
    }

    /// Checks that the file still has what was safe.
    func requireKept(_ items: [PlainDelivery.Item], of sink: Int, upTo committed: UInt64) {
        let owed = Set(self.file.owed(to: sink).map { $0.position.rawValue })
        for item in items where item.position <= committed {
            self.require(owed.contains(item.position), "\(item.text) of sink \(sink) is lost")
        }
    }

    /// The configuration names other dead-letter sinks than before.
    private mutating func changeDeadLetterSinks() {
        for sink in 0..<Self.sinks {
            let isNamed = self.chance(2) == 0
            self.settings[sink].deadLetter = isNamed ? "sink-\(Self.target(of: sink, using: &self.random))" : nil
        }
        self.unrouted = self.chance(2) == 0 ? self.chance(Self.sinks) : nil
        self.model.unrouted = self.unrouted
    }

    /// What the file says that a sink is owed.
    mutating func restore(_ sink: Int) {
        var plain = PlainDelivery.Sink(settings: self.settings[sink])
        plain.log = self.file.owed(to: sink).map { position, record, entry in
            let letter = record.routing.plan.letter
            return PlainDelivery.Item(
                event: record.event(of: entry), position: position.rawValue, variant: entry.variant,
                route: letter?.route ?? "route", key: record.routing.keys[entry.route], letter: letter?.id,
                source: Int(record.event.source.dropFirst(7)))
        }
        let now = Timestamp.now()
        plain.deliveredKeys = Set(
            self.file.keys.filter { $0.sink == "sink-\(sink)" && $0.expires.milliseconds > now.milliseconds + 1000 }.map(\.key))
        self.model.sinks[sink] = plain
    }

    /// Reads back everything that is asked for; now and then it cannot be read at first.
    mutating func load() {
        for _ in 0..<1000 {
            let pages = self.fixture.log.takePages()
            if pages.isEmpty { return }
            for (sink, _, after) in pages {
                if self.chance(6) == 0 {
                    self.fixture.log.notLoaded(sink: sink)
                    continue
                }
                let page = self.file.page(of: sink, after: after, atMost: 10_000)
                self.fixture.log.loaded(page.deliveries, through: page.through, sink: sink)
                let plain = sink.rawValue
                self.model.sinks[plain].loaded += self.model.sinks[plain].log
                self.model.sinks[plain].log = []
                self.model.makeRoom(plain)
            }
        }
        Issue.record("the same piece is asked for again and again")
    }

    // MARK: Checks

    private mutating func check() {
        for (sink, plain) in self.model.sinks.enumerated() {
            let backlog = self.fixture.log.backlog(of: SinkIndex(sink))
            let all = plain.all
            let expected = (all.count, all.reduce(0) { $0 + $1.event.weight })
            if backlog != expected { Issue.record("the backlog of sink \(sink) is \(backlog), not \(expected)") }
        }
        for source in 0..<Self.sources { self.check(source: source) }
    }

    /// Costs less than an expectation, which thousands of facts would make slow.
    func require(_ holds: Bool, _ problem: @autoclosure () -> String) {
        if !holds { Issue.record("\(problem())") }
    }

    private mutating func check(source: Int) {
        let watermark = self.fixture.log.state.withLock { $0.machine.watermarks[SourceIndex(source)] }
        let mark = self.fixture.log.parts.marks[SourceIndex(source)]
        self.require(
            mark.safe == watermark.safe && mark.isPaused == watermark.isPaused
                && mark.isStopping == watermark.isStopping, "the mark of source \(source) is behind its watermark")
        let safe = self.fixture.safe(SourceIndex(source))
        self.require(safe >= self.safe[source], "the watermark of source \(source) moved back")
        self.safe[source] = safe
        let owed = self.model.sinks.flatMap(\.all).filter { $0.source == source && ($0.letter == nil || $0.isLetter) }
        switch self.policies[source] {
        case .received: self.require(safe >= self.sent[source], "source \(source) waits though it acknowledges at once")
        case .logged: self.require(safe <= self.model.committed || !self.isOnDisk, "what is safe is not committed")
        case .delivered:
            self.require(safe <= self.model.committed || !self.isOnDisk, "what is safe is not committed")
            for item in owed {
                let position = item.original ?? item.position
                guard position > self.excused[source], position <= safe else { continue }
                Issue.record("\(item.text) of source \(source) is safe at \(safe) and owed")
            }
        }
        let isPaused = self.fixture.isPaused(SourceIndex(source))
        let blocking = self.model.sinks.contains { plain in
            plain.settings.onFull == .block && plain.isOverBounds && plain.all.contains { $0.source == source && !$0.isLetter }
        }
        if blocking { self.require(isPaused, "source \(source) reads on though a sink is full") }
        if self.isDiskFull, self.refused != nil {
            self.require(isPaused, "source \(source) reads on though the disk is full")
        }
    }

    /// Adds up what the metrics of this run of the program say.
    private mutating func count() {
        for line in self.fixture.metrics.render().split(separator: "\n") {
            guard let value = line.split(separator: " ").last.flatMap({ Int($0) }) else { continue }
            if line.hasPrefix("streambridge_events_dropped_total{") { self.counted.dropped += value }
            if line.hasPrefix("streambridge_dead_letters_total{") { self.counted.letters += value }
            if line.hasPrefix("streambridge_events_deduplicated_total{") { self.counted.duplicates += value }
            if line.hasPrefix("streambridge_events_unrouted_total ") { self.counted.unrouted += value }
        }
    }

    /// Everything is delivered, and every inlet ends.
    mutating func finish() {
        self.isDiskFull = false
        self.write()
        self.write()
        for source in 0..<Self.sources {
            self.fixture.log.stop(source: SourceIndex(source))
            #expect(self.fixture.log.parts.marks[SourceIndex(source)].isStopping)
        }
        self.fixture.log.finish()
        for _ in 0..<1000 where !self.model.sinks.allSatisfy({ $0.all.isEmpty }) {
            for sink in 0..<Self.sinks {
                self.take(sink)
                while !self.inFlight[sink].isEmpty { self.confirmThrough(sink) }
            }
            self.write()
        }
        self.write()
        for sink in 0..<Self.sinks {
            #expect(self.fixture.log.hasEnded(sink: SinkIndex(sink)))
            guard case .ended = self.fixture.log.poll(sink: SinkIndex(sink), atMost: 1) else {
                Issue.record("sink \(sink) has not ended")
                continue
            }
        }
        if self.isOnDisk {
            self.commit(self.fixture.log.takeWork(marks: true))
            for sink in 0..<Self.sinks { #expect(self.file.owed(to: sink).isEmpty, "the file owes sink \(sink) something") }
            #expect(self.file.letters.keys.sorted() == self.model.kept.keys.sorted())
        }
        self.check()
        for source in 0..<Self.sources {
            #expect(self.fixture.safe(SourceIndex(source)) >= self.appended[source], "source \(source) waits for nothing")
            #expect(!self.fixture.isPaused(SourceIndex(source)))
        }
        self.count()
        #expect((self.counted.dropped, self.counted.letters) == (self.model.dropped, self.model.lettersCounted))
        #expect((self.counted.duplicates, self.counted.unrouted) == (self.model.duplicates, self.model.unroutedCount))
    }
}
