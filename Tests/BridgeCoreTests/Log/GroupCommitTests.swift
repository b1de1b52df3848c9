import Logging
import Synchronization
import Testing

@testable import BridgeCore

/// Which thread writes, and which sources are notified.
struct GroupCommitTests {
    @Test func `what a source writes on its own thread is safe when the call returns, and the others are notified`() {
        let fixture = Fixture(sources: [.logged, .logged])
        let notified = Mutex<[SourceIndex]>([])
        for source in [SourceIndex(0), SourceIndex(1)] {
            fixture.log.observe(source: source) { notified.withLock { $0.append(source) } }
        }
        fixture.delivery.append(["a"], source: 0)
        fixture.delivery.append(["b"], source: 1)
        #expect(fixture.delivery.safe(0) == 0)
        fixture.log.write(for: 0)
        #expect(fixture.store.events == [["a", "b"]])
        #expect(fixture.delivery.safe(0) == 1)
        #expect(fixture.delivery.safe(1) == 2)
        #expect(notified.withLock { $0 } == [1])
        #expect(fixture.delivery.take().map(\.event.id) == ["a", "b"])
        #expect(fixture.wakes == 2, "one for each that was appended, none for what was written here")
    }

    @Test func `while another thread writes, what comes meanwhile is left to the writer`() {
        let fixture = Fixture()
        fixture.delivery.append(["a"])
        fixture.store.meanwhile.withLock {
            $0 = Once {
                fixture.delivery.append(["b"])
                fixture.log.write(for: 0)
            }
        }
        let before = fixture.wakes
        #expect(fixture.commits.tryWrite(caller: 0))
        #expect(fixture.store.events == [["a"]])
        #expect(fixture.wakes == before + 2)
        #expect(fixture.commits.tryWrite(caller: 0))
        #expect(fixture.store.events == [["a"], ["b"]])
    }

    @Test func `what the disk refuses is written first by the next try of the writer, and by no source`() throws {
        let fixture = Fixture()
        fixture.delivery.append(["a"])
        fixture.store.isFull.store(true, ordering: .relaxed)
        #expect(!fixture.commits.tryWrite(caller: 0))
        #expect(fixture.delivery.isPaused())
        #expect(fixture.health.writeError == "the disk is full")
        fixture.delivery.append(["b"])
        fixture.store.isFull.store(false, ordering: .relaxed)
        #expect(!fixture.commits.tryWrite(caller: 0), "the writer waits before it tries again")
        #expect(fixture.delivery.safe() == 0)
        let outcome = try fixture.commits.write(marks: true)
        #expect(outcome.wroteEvents)
        #expect(fixture.store.events == [["a"], ["b"]])
        #expect(fixture.delivery.safe() == 2)
        #expect(!fixture.delivery.isPaused())
        #expect(fixture.health.writeError == nil)
    }

    @Test func `what sinks have settled waits for company, and is written when it must be`() throws {
        let fixture = Fixture()
        fixture.delivery.append(["a"])
        _ = try fixture.commits.write(marks: true)
        fixture.log.confirm(sink: 0, through: fixture.delivery.take()[0])
        fixture.delivery.append(["b"])
        let outcome = try fixture.commits.write(marks: true)
        #expect(outcome.tookMarks)
        #expect(fixture.store.marks == [SinkMark(sink: "sink-0", position: Position(1))])
        let nothing = try fixture.commits.write(marks: true)
        #expect(!nothing.wroteAnything)
    }

    @Test func `a disk that refuses is known before anything is to be written, and so is that it takes again`() throws {
        let fixture = Fixture()
        fixture.store.isFull.store(true, ordering: .relaxed)
        #expect(try !fixture.commits.write(marks: false).wroteAnything)
        #expect(fixture.health.writeError == nil)
        #expect(throws: LogError.self) { try fixture.commits.write(marks: false, probes: true) }
        #expect(fixture.health.writeError == "the disk is full")
        #expect(fixture.delivery.isPaused())
        fixture.store.isFull.store(false, ordering: .relaxed)
        #expect(try !fixture.commits.write(marks: false).wroteAnything)
        #expect(fixture.health.writeError == nil)
        #expect(!fixture.delivery.isPaused())
    }

    @Test func `what can be written does not end the trouble of what cannot be read`() throws {
        let fixture = Fixture()
        #expect(fixture.health.failed(.reading(sink: "sink-0"), "the log is damaged"))
        #expect(!fixture.health.failed(.reading(sink: "sink-0"), "the log is damaged"), "said once")
        fixture.delivery.append(["a"])
        #expect(try fixture.commits.write(marks: true).wroteEvents)
        #expect(fixture.health.readError == "the log is damaged")
        #expect(fixture.health.writeError == nil)
        #expect(fixture.delivery.metric("streambridge_log_up") == 0)
        fixture.store.isFull.store(true, ordering: .relaxed)
        #expect(throws: LogError.self) { try fixture.commits.write(marks: false, probes: true) }
        #expect(!fixture.health.recovered(.reading(sink: "other")))
        #expect(fixture.health.recovered(.reading(sink: "sink-0")))
        #expect(fixture.health.readError == nil)
        #expect(fixture.health.writeError == "the disk is full")
        #expect(fixture.delivery.metric("streambridge_log_up") == 0)
        fixture.store.isFull.store(false, ordering: .relaxed)
        _ = try fixture.commits.write(marks: false, probes: true)
        #expect(fixture.delivery.metric("streambridge_log_up") == 1)
    }

    private struct Fixture {
        let delivery: DeliveryFixture
        let store = RecordingStore()
        let health: LogHealth
        let commits: GroupCommit
        private let counter = Counter()
        var log: DeliveryLog { self.delivery.log }
        /// How often the writer was woken.
        var wakes: Int { self.counter.count.load(ordering: .relaxed) }

        init(sources: [AcknowledgePolicy] = [.logged]) {
            let delivery = DeliveryFixture(sources: sources, contents: LogContents())
            self.delivery = delivery
            self.health = LogHealth(metrics: delivery.metrics)
            let commits = GroupCommit(
                store: self.store, log: delivery.log, cursors: LogCursors([:]), health: self.health,
                targets: PlanTargets(routes: [Route(name: "route", targets: [])], sinks: ["sink-0"]),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            self.commits = commits
            delivery.log.attach(
                DeliveryLog.Writer(
                    wake: { [counter] in counter.count.add(1, ordering: .relaxed) }, tryWrite: { commits.tryWrite(caller: $0) }
                )
            )
        }

        private final class Counter: Sendable {
            let count = Atomic(0)
        }
    }

    /// A closure in a type of its own.
    private struct Once {
        let call: @Sendable () -> Void

        init(_ call: @escaping @Sendable () -> Void) {
            self.call = call
        }
    }

    /// Remembers what it is given.
    private final class RecordingStore: LogStore {
        let isFull = Atomic(false)
        /// Called in the middle of the next commit.
        let meanwhile = Mutex<Once?>(nil)
        private let commits = Mutex<[LogChanges]>([])

        /// The ids of each group.
        var events: [[String]] { self.commits.withLock { $0.map { $0.events.map(\.event.id) } } }
        var marks: [SinkMark] { self.commits.withLock { $0.flatMap(\.sinks) } }

        func commit(_ changes: LogChanges) throws {
            if self.isFull.load(ordering: .relaxed) { throw LogError("the disk is full") }
            let meanwhile = self.meanwhile.withLock { meanwhile in
                defer { meanwhile = nil }
                return meanwhile
            }
            meanwhile?.call()
            self.commits.withLock { $0.append(changes) }
        }

        func page(of sink: String, after position: Position, atMost limit: Int) -> LogPage {
            LogPage(events: [], through: position)
        }

        func history(of sink: String, atMost limit: Int) -> SinkHistory { SinkHistory() }
        func release(sink: String) {}
        func adopt(sink: String) -> AdoptedSink {
            AdoptedSink(owed: LogContents.Owed(mark: SinkMark(sink: sink, position: .start), count: 0, weight: 0))
        }
        func adopted(sink: String) {}
        func trim(before position: Position) -> Bool { false }
        func trimDeadLetters() -> Int { 0 }
        func replays(atMost limit: Int) -> FoundDeadLetters { FoundDeadLetters() }
        func deadLetterCount() -> Int { 0 }
        func close() {}
    }
}
