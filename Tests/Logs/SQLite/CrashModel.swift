import BridgeTesting
import JSON
import Logging
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// A log with its file, and what its sources, sinks and operator know.
struct CrashModel {
    static let sinks = 4
    /// The sink for dead letters.
    private static let last = 3
    private static let names = (0..<sinks).map { "sink-\($0)" }

    /// What an event must become: delivered to a sink, or a dead letter of that sink; `sink` is empty if no sink gave it up.
    private struct Debt: Hashable {
        let number: Int
        let sink: String
    }

    private let directory: TemporaryDirectory
    /// Sinks refuse, overflow and have dead-letter sinks; otherwise everything is delivered in order.
    private let hasLetters: Bool
    private var settings: [DeliverySettings]
    private var store: SQLiteLog?
    private var log: DeliveryLog
    private var commits: GroupCommit?
    private var next = 0
    /// By position: what was appended and is not on disk; a crash takes it back.
    private var unsafe: [(position: Position, debts: [Debt])] = []
    private var debts: Set<Debt> = []
    private var done: Set<Debt> = []
    /// By sink: what reached it for the first time, in order.
    private var delivered = Array(repeating: [Int](), count: sinks)
    private var inFlight = Array(repeating: [Delivery](), count: sinks)
    /// By sink: what is settled, and what of it is on disk and never comes again.
    private var settled = Array(repeating: Set<String>(), count: sinks)
    private var settledOnDisk = Array(repeating: Set<String>(), count: sinks)

    init(directory: TemporaryDirectory, hasLetters: Bool, _ random: inout SeededGenerator) throws {
        self.directory = directory
        self.hasLetters = hasLetters
        self.settings = Self.settings(hasLetters, &random)
        (self.store, self.log, self.commits) = try Self.open(directory, self.settings, hasLetters)
    }

    /// Other dead-letter sinks and bounds at each start.
    private static func settings(_ hasLetters: Bool, _ random: inout SeededGenerator) -> [DeliverySettings] {
        (0..<self.sinks).map { sink in
            var settings = DeliverySettings.onDisk
            guard hasLetters else { return settings }
            if sink != Self.last, Int.random(in: 0..<4, using: &random) > 0 { settings.deadLetter = "sink-\(Self.last)" }
            if Bool.random(using: &random) {
                settings.onFull = .deadLetter
                settings.events = Int.random(in: 4...20, using: &random)
            }
            return settings
        }
    }

    private static func open(
        _ directory: TemporaryDirectory, _ settings: [DeliverySettings], _ hasLetters: Bool
    ) throws -> (SQLiteLog, DeliveryLog, GroupCommit) {
        let (store, contents) = try SQLiteLog.open(
            DurableLogSettings(path: directory.file("events.db")), bridge: "here", sinks: Self.names)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = Metrics()
        let log = DeliveryLog(
            sources: [("in", .logged)], sinks: Array(zip(Self.names, settings)),
            unrouted: hasLetters ? SinkIndex(Self.last) : nil,
            names: RouteNames(routes: [Route(name: "route", targets: [])], sinks: Self.names),
            limits: LogLimits(),
            metrics: DeliveryMetrics(
                sinks: Self.names.map {
                    (ComponentMetrics(component: $0, kind: "test", direction: "sink", metrics: metrics), logger)
                },
                metrics: metrics, logger: logger),
            contents: contents
        )
        let route = Route(name: "route", targets: (0..<Self.sinks).map { Route.Target(sink: SinkIndex($0)) })
        let commits = GroupCommit(
            store: store, log: log, cursors: LogCursors(contents.cursors), health: LogHealth(metrics: metrics),
            targets: PlanTargets(routes: [route], sinks: Self.names), logger: logger)
        return (store, log, commits)
    }

    // MARK: Sources

    mutating func append(_ count: Int, _ random: inout SeededGenerator) throws {
        for _ in 0..<count {
            let number = self.nextNumber()
            let targets = (0..<Self.sinks).filter { _ in Bool.random(using: &random) }
            let receipt = self.log.append([Self.record(Self.event(number), targets)], source: 0)
            self.note(number, targets, at: receipt.position)
        }
    }

    private mutating func note(_ number: Int, _ targets: [Int], at position: Position) {
        var debts = targets.map { Debt(number: number, sink: "sink-\($0)") }
        if targets.isEmpty, self.hasLetters { debts = [Debt(number: number, sink: "")] }
        self.unsafe.append((position, debts))
    }

    private mutating func nextNumber() -> Int {
        defer { self.next += 1 }
        return self.next
    }

    private static func event(_ number: Int) -> Event {
        Event(
            id: "\(number)", title: nil, message: "\(number)", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: nil, source: "in", subject: "s", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
    }

    private static func record(_ event: Event, _ targets: [Int]) -> LogRecord {
        let plan = RoutePlan(entries: targets.map { RoutePlan.Entry(sink: SinkIndex($0), variant: 0, route: 0, shape: -1) })
        return LogRecord(event: event, routing: Routing(plan: plan, shaped: []), accepted: .now)
    }

    mutating func giveUpAtSource() {
        guard self.hasLetters else { return }
        let number = self.nextNumber()
        let receipt = self.log.keep(Self.event(number), repeatKey: UInt64(number), reason: "too often", attempts: 3, source: 0)
        guard let receipt else {
            Issue.record("a log on disk keeps it")
            return
        }
        self.note(number, [], at: receipt.position)
    }

    // MARK: The writer

    mutating func write(marks: Bool) throws {
        let outcome = try #require(self.commits).write(marks: marks)
        let safe = self.log.parts.marks[0].safe
        for unsafe in self.unsafe where unsafe.position <= safe { self.debts.formUnion(unsafe.debts) }
        self.unsafe.removeAll { $0.position <= safe }
        if marks { for sink in 0..<Self.sinks { self.settledOnDisk[sink].formUnion(self.settled[sink]) } }
        try self.read()
        // Removes what is no longer pending.
        _ = try self.store?.trim(before: outcome.settled)
    }

    private mutating func read() throws {
        for (sink, _, after) in self.log.takePages() {
            let page = try #require(try self.store?.page(of: "sink-\(sink)", after: after, atMost: 7))
            let deliveries = page.events.flatMap { stored in
                stored.targets.filter { $0.sink == "sink-\(sink)" }.map { target in
                    var delivery = Delivery(
                        event: stored.event(for: target), variant: 0, route: target.route, attempts: 0, position: stored.position,
                        ticket: 0)
                    delivery.letter = stored.letter
                    return delivery
                }
            }
            self.log.loaded(deliveries, through: page.through, sink: sink)
        }
    }

    // MARK: Sinks

    mutating func take(_ sink: Int, _ random: inout SeededGenerator) {
        self.take(sink, atMost: Int.random(in: 1...6, using: &random))
    }

    private mutating func take(_ sink: Int, atMost limit: Int) {
        guard case .batch(let batch) = self.log.poll(sink: SinkIndex(sink), atMost: limit) else { return }
        for delivery in batch {
            if self.settledOnDisk[sink].contains(Self.name(delivery)) {
                Issue.record("sink \(sink) is given \(Self.name(delivery)) though the file says that it has it")
            }
            guard delivery.letter == nil, let number = Int(delivery.event.id), !self.delivered[sink].contains(number) else {
                continue
            }
            self.delivered[sink].append(number)
        }
        self.inFlight[sink] += batch
    }

    private static func name(_ delivery: Delivery) -> String {
        delivery.letter.map { "letter \($0)" } ?? "event \(delivery.event.id)"
    }

    mutating func confirm(_ sink: Int, _ random: inout SeededGenerator) {
        guard let last = self.inFlight[sink].randomElement(using: &random) else { return }
        for delivery in self.inFlight[sink] where delivery.ticket <= last.ticket { self.settle(delivery, by: sink) }
        self.inFlight[sink].removeAll { $0.ticket <= last.ticket }
        self.log.confirm(sink: SinkIndex(sink), through: last)
    }

    mutating func confirmOne(_ sink: Int, _ random: inout SeededGenerator) {
        guard let one = self.removeOne(sink, &random) else { return }
        self.settle(one, by: sink)
        self.log.confirm(sink: SinkIndex(sink), one)
    }

    mutating func refuse(_ sink: Int, _ random: inout SeededGenerator) {
        guard self.hasLetters, let one = self.removeOne(sink, &random) else { return }
        self.log.refuse(sink: SinkIndex(sink), one, reason: "no")
    }

    private mutating func removeOne(_ sink: Int, _ random: inout SeededGenerator) -> Delivery? {
        guard let one = self.inFlight[sink].randomElement(using: &random) else { return nil }
        self.inFlight[sink].removeAll { $0.ticket == one.ticket }
        return one
    }

    /// The peer has it, even if the confirmation is lost.
    private mutating func settle(_ delivery: Delivery, by sink: Int) {
        self.settled[sink].insert(Self.name(delivery))
        guard let number = Int(delivery.event.id) else { return }
        let isLetter = delivery.event.kind == .deadLetter
        self.done.insert(Debt(number: number, sink: isLetter ? Self.giver(delivery.event) : "sink-\(sink)"))
    }

    /// The sink that gave up the event of a letter.
    private static func giver(_ letter: Event) -> String {
        let parser = JSONParser()
        return letter.payload.flatMap { try? parser.parse($0)["sink"]?.string } ?? ""
    }

    mutating func loseConnection(_ sink: Int) {
        self.log.reclaim(sink: SinkIndex(sink))
        self.inFlight[sink] = []
    }

    // MARK: The operator

    /// Asks for a letter to be replayed, or drops one, while the program runs.
    mutating func operate(_ random: inout SeededGenerator) throws {
        guard self.hasLetters else { return }
        let file = try DeadLetterInspector(path: self.directory.file("events.db"), sinks: Self.names)
        guard let letter = try file.letters(.init()).letters.randomElement(using: &random) else { return }
        if Int.random(in: 0..<3, using: &random) > 0 {
            _ = try file.replay(.init(ids: [letter.id]))
        } else if try file.drop(.init(ids: [letter.id])).done == 1, let number = Int(letter.event.id) {
            self.done.insert(Debt(number: number, sink: letter.sink))
        }
    }

    /// Gives what is asked for to the sinks that gave it up, or to the sinks that routes choose today.
    mutating func replay(_ random: inout SeededGenerator) throws {
        for letter in try self.store?.replays().letters ?? [] {
            guard letter.sink.isEmpty else {
                #expect(self.log.replay(letter, RouteTargets(routes: [], sinks: Self.names)))
                continue
            }
            let targets = (0..<Self.sinks).filter { _ in Bool.random(using: &random) }
            guard self.log.replay(letter, Self.record(letter.event, targets)), let number = Int(letter.event.id) else { continue }
            self.note(number, targets, at: self.log.parts.marks[0].appended)
            // The letter ends in the group that has the event; until that is written, a crash leaves the letter.
            if !targets.isEmpty { self.unsafe[self.unsafe.count - 1].debts.append(Debt(number: number, sink: "replayed")) }
        }
    }

    // MARK: The end

    /// The process is killed: what was not written is lost, and what was in flight is offered again.
    mutating func crash(_ random: inout SeededGenerator) throws {
        (self.store, self.commits) = (nil, nil)
        self.unsafe = []
        self.settled = self.settledOnDisk
        self.inFlight = Array(repeating: [], count: Self.sinks)
        self.settings = Self.settings(self.hasLetters, &random)
        (self.store, self.log, self.commits) = try Self.open(self.directory, self.settings, self.hasLetters)
    }

    mutating func finish(_ random: inout SeededGenerator) throws {
        try self.crash(&random)
        while true {
            try self.replay(&random)
            try self.write(marks: true)
            var found = false
            for sink in 0..<Self.sinks {
                self.take(sink, atMost: 5)
                guard let last = self.inFlight[sink].last else { continue }
                found = true
                for delivery in self.inFlight[sink] { self.settle(delivery, by: sink) }
                self.inFlight[sink] = []
                self.log.confirm(sink: SinkIndex(sink), through: last)
            }
            if !found, (0..<Self.sinks).allSatisfy({ self.log.backlog(of: SinkIndex($0)).events == 0 }) { break }
        }
        try self.write(marks: true)
    }

    func check() throws {
        let file = try DeadLetterInspector(path: self.directory.file("events.db"), sinks: Self.names)
        let letters = try file.letters(.init())
        #expect(letters.letters.allSatisfy { $0.state == .kept } && letters.unreadable.isEmpty)
        let kept = Set(letters.letters.compactMap { letter in Int(letter.event.id).map { Debt(number: $0, sink: letter.sink) } })
        let replayed = Set(self.debts.filter { $0.sink == "replayed" }.map(\.number))
        for debt in self.debts where debt.sink != "replayed" && !self.done.contains(debt) && !kept.contains(debt) {
            if debt.sink.isEmpty, replayed.contains(debt.number) { continue }
            Issue.record("event \(debt.number) is lost to sink '\(debt.sink)'")
        }
        for sink in 0..<Self.sinks {
            #expect(self.log.backlog(of: SinkIndex(sink)) == (0, 0))
            if !self.hasLetters {
                #expect(
                    self.delivered[sink] == self.debts.filter { $0.sink == "sink-\(sink)" }.map(\.number).sorted(), "sink \(sink)"
                )
            }
            let known = Set(self.debts.filter { $0.sink == "sink-\(sink)" }.map(\.number))
            #expect(self.delivered[sink].allSatisfy { known.contains($0) }, "sink \(sink) has what was never safe")
        }
    }
}
