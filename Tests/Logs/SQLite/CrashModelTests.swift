import BridgeTesting
import Logging
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// Random schedules of everything that moves the log, with crashes in between, against what must hold.
struct CrashModelTests {
    @Test(arguments: 0..<30)
    func `what was safe before a crash is delivered after it, in order, and nothing else is invented`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var bridge = try Model(directory: TemporaryDirectory())
        for _ in 0..<300 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<6: bridge.append(Int.random(in: 1...4, using: &random), &random)
            case 6..<10: try bridge.write(marks: Bool.random(using: &random))
            case 10..<14: bridge.take(Int.random(in: 0..<Model.sinks, using: &random), &random)
            case 14..<17: bridge.confirm(&random)
            case 17: bridge.confirmOne(&random)
            case 18: bridge.refuse(&random)
            default: if Int.random(in: 0..<4, using: &random) == 0 { try bridge.crash() } else { bridge.loseConnection(&random) }
            }
        }
        try bridge.finish()
        try bridge.check()
    }

    /// A log with its file, and what everybody around it knows.
    private struct Model {
        static let sinks = 3

        private let directory: TemporaryDirectory
        private var store: SQLiteLog?
        private var log: DeliveryLog
        private var next = 0
        /// By sink: what was appended for it, in order; a crash takes back what was not safe.
        private var expected = Array(repeating: [Int](), count: sinks)
        private var unsafe: [(position: Position, number: Int)] = []
        private var delivered = Array(repeating: [Int](), count: sinks)
        private var inHand = Array(repeating: [Delivery](), count: sinks)

        init(directory: TemporaryDirectory) throws {
            self.directory = directory
            let (store, contents) = try Self.open(directory)
            self.store = store
            self.log = Self.log(contents)
        }

        private static func open(_ directory: TemporaryDirectory) throws -> (SQLiteLog, LogContents) {
            let opened = try SQLiteLog.open(
                DurableLogSettings(path: directory.file("events.db")), bridge: "here", sinks: (0..<sinks).map { "sink-\($0)" })
            return (opened.log, opened.contents)
        }

        private static func log(_ contents: LogContents) -> DeliveryLog {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let metrics = Metrics()
            return DeliveryLog(
                sources: [("in", .logged)], sinks: (0..<sinks).map { ("sink-\($0)", DeliverySettings.onDisk) }, unrouted: nil,
                routes: ["route"], limits: LogLimits(),
                tallies: DeliveryTallies(
                    sinks: (0..<sinks).map { index in
                        (ComponentMetrics(component: "sink-\(index)", kind: "test", direction: "sink", metrics: metrics), logger)
                    },
                    metrics: metrics, logger: logger),
                contents: contents
            )
        }

        mutating func append(_ count: Int, _ random: inout SeededGenerator) {
            for _ in 0..<count {
                let number = self.next
                self.next += 1
                let targets = (0..<Self.sinks).filter { _ in Bool.random(using: &random) }
                let event = Event(
                    id: "\(number)", title: nil, message: "\(number)", priority: nil, tags: [],
                    timestamp: Timestamp(milliseconds: 0), payload: nil, source: "in", subject: "s", attributes: Attributes(),
                    raw: ByteBuffer(), limits: EventLimits())
                let plan = RoutePlan(
                    entries: targets.map { RoutePlan.Entry(sink: SinkIndex($0), variant: 0, route: 0, shape: -1) })
                let receipt = self.log.append(
                    [LogRecord(event: event, routing: Routing(plan: plan, shaped: []), accepted: .now)], source: 0)
                for target in targets { self.expected[target].append(number) }
                self.unsafe.append((receipt.position, number))
            }
        }

        /// What the writer does.
        mutating func write(marks: Bool) throws {
            let work = self.log.takeWork(marks: marks)
            var changes = work.changes
            changes.events = work.records.map { position, record in
                StoredEvent(
                    position: position, accepted: .now(), event: record.event,
                    targets: record.routing.plan.entries.map { entry in
                        StoredEvent.Target(sink: "sink-\(entry.sink)", route: "route", variant: 0, copy: -1)
                    })
            }
            if !changes.isEmpty { try self.store?.commit(changes) }
            self.log.committed(work)
            let safe = self.log.watermark(of: 0) { $0.safe }
            self.unsafe.removeAll { $0.position <= safe }
            for (sink, after) in self.log.takePages() {
                let page = try #require(try self.store?.page(of: "sink-\(sink)", after: after, atMost: 7))
                let deliveries = page.events.map {
                    Delivery(event: $0.event, variant: 0, route: "route", attempts: 0, position: $0.position, ticket: 0)
                }
                self.log.loaded(deliveries, through: page.through, sink: sink)
            }
        }

        mutating func take(_ sink: Int, _ random: inout SeededGenerator) {
            guard case .batch(let batch) = self.log.poll(sink: SinkIndex(sink), atMost: Int.random(in: 1...6, using: &random))
            else {
                return
            }
            // The peer has it now, whatever becomes of the confirmation.
            for delivery in batch { self.note(delivery, sink) }
            self.inHand[sink] += batch
        }

        private mutating func note(_ delivery: Delivery, _ sink: Int) {
            guard let number = Int(delivery.event.id), !self.delivered[sink].contains(number) else { return }
            self.delivered[sink].append(number)
        }

        mutating func confirm(_ random: inout SeededGenerator) {
            let sink = Int.random(in: 0..<Self.sinks, using: &random)
            guard let last = self.inHand[sink].randomElement(using: &random) else { return }
            self.inHand[sink].removeAll { $0.ticket <= last.ticket }
            self.log.confirm(sink: SinkIndex(sink), through: last)
        }

        mutating func confirmOne(_ random: inout SeededGenerator) {
            let sink = Int.random(in: 0..<Self.sinks, using: &random)
            guard let one = self.inHand[sink].randomElement(using: &random) else { return }
            self.inHand[sink].removeAll { $0.ticket == one.ticket }
            self.log.confirm(sink: SinkIndex(sink), one)
        }

        mutating func refuse(_ random: inout SeededGenerator) {
            let sink = Int.random(in: 0..<Self.sinks, using: &random)
            guard let one = self.inHand[sink].randomElement(using: &random) else { return }
            self.inHand[sink].removeAll { $0.ticket == one.ticket }
            self.log.refuse(sink: SinkIndex(sink), one, reason: "no")
        }

        mutating func loseConnection(_ random: inout SeededGenerator) {
            let sink = Int.random(in: 0..<Self.sinks, using: &random)
            self.log.takeBack(sink: SinkIndex(sink))
            self.inHand[sink] = []
        }

        /// The process is killed: what was not written is gone, and so is what anybody had in hand.
        mutating func crash() throws {
            self.store = nil
            for (_, number) in self.unsafe {
                for sink in 0..<Self.sinks { self.expected[sink].removeAll { $0 == number } }
            }
            self.unsafe = []
            self.inHand = Array(repeating: [], count: Self.sinks)
            let (store, contents) = try Self.open(self.directory)
            self.store = store
            self.log = Self.log(contents)
        }

        mutating func finish() throws {
            try self.crash()
            while true {
                try self.write(marks: true)
                var found = false
                for sink in 0..<Self.sinks {
                    guard case .batch(let batch) = self.log.poll(sink: SinkIndex(sink), atMost: 5) else { continue }
                    found = true
                    for delivery in batch { self.note(delivery, sink) }
                    self.log.confirm(sink: SinkIndex(sink), through: batch[batch.count - 1])
                }
                if !found, (0..<Self.sinks).allSatisfy({ self.log.backlog(of: SinkIndex($0)).events == 0 }) { return }
            }
        }

        func check() throws {
            for sink in 0..<Self.sinks {
                #expect(self.delivered[sink] == self.expected[sink], "sink \(sink)")
                #expect(self.log.backlog(of: SinkIndex(sink)) == (0, 0))
            }
            let marks = try #require(self.store)
            withExtendedLifetime(marks) {}
        }
    }
}
