import BridgeCore
import BridgeTesting
import Compression
import FoundationEssentials
import HTTPServer
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

/// Clients that begin, resume and page at random while events are published and the program restarts, against a plain model.
@Suite(.timeLimit(.minutes(1)))
struct SnapshotModelTests {
    @Test(arguments: [1000, 6]) func `every client has the present state, without a gap or a duplicate at the seam`(
        _ limit: Int
    ) async throws {
        var (snapshots, resumed) = (0, 0)
        for seed in 0..<30 {
            let model = try SnapshotModel(seed: UInt64(seed), limit: limit)
            try await model.loop.submit { for _ in 0..<250 { model.step() } }.get()
            #expect(model.failures.isEmpty, "seed \(seed): \(model.failures.first ?? "")")
            snapshots += model.snapshots
            resumed += model.resumed
        }
        // The lives are varied enough to mean something.
        #expect(snapshots > 100)
        #expect(resumed > 30)
    }
}

/// A stream with a short history, and clients that ask for a few events at a time.
///
/// On its loop.
private final class SnapshotModel: @unchecked Sendable {
    private final class Client {
        var cursor: String?
        /// By key, the number of the last event.
        var state: [String: UInt64] = [:]
        var seen: Set<UInt64> = []
        /// Everything after this was published since its snapshot began.
        var start: UInt64 = 0
    }

    private struct Published {
        let event: Event
        let number: UInt64
        let key: String
        let isClear: Bool
    }

    private struct Answer: Decodable {
        struct Item: Decodable {
            let message: String
        }

        let cursor: String
        let snapshot: Bool?
        let events: [Item]
    }

    private final class Store: CursorStore {
        let cursor = Mutex<String?>("e-0")

        func cursor(of source: String) -> String? { self.cursor.withLock { $0 } }
        func move(_ cursor: String, of source: String) { self.cursor.withLock { $0 = cursor } }
    }

    let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let settings: SSESinkConfiguration
    private let store = Store()
    private var hub: SSEHub
    private var stream: SSEStream
    private var view: SSEView
    private var generator: SeededGenerator
    private var published: [Published] = []
    /// What a log on disk has: the events of the snapshot by number.
    private var rows: [UInt64: NumberedEvent] = [:]
    private var clients: [Client] = []
    private(set) var failures: [String] = []
    private(set) var snapshots = 0
    private(set) var resumed = 0

    init(seed: UInt64, limit: Int) throws {
        var settings = try SSESinkConfiguration(stream: "s")
        var snapshot = SSESinkConfiguration.Snapshot()
        snapshot.key = try Template("{{ $subject }}", compiler: nil)
        snapshot.remove = try Template("{{ .title }}", compiler: nil)
        snapshot.max = limit
        settings.snapshot = snapshot
        settings.replay.events = 20
        settings.slowClient.bytes = 0
        self.settings = settings
        self.generator = SeededGenerator(seed: seed)
        (self.hub, self.stream, self.view) = try Self.hub(settings, self.store, self.loop)
    }

    private static func hub(
        _ settings: SSESinkConfiguration, _ store: Store, _ loop: any EventLoop
    ) throws -> (SSEHub, SSEStream, SSEView) {
        let hub = try SSEHub(group: loop, reservation: SSESequenceReservation(cursors: store))
        let metrics = ComponentMetrics(component: "s", kind: "sse", direction: "sink", metrics: Metrics())
        let stream = hub.makeStream(settings, SSEMetrics(metrics))
        hub.add(stream)
        let view = hub.join(
            SSESelection(streams: [stream.number], names: [], filter: .everything, format: .events, coding: .identity))
        return (hub, stream, view)
    }

    func step() {
        switch Int.random(in: 0..<100, using: &self.generator) {
        case 0..<35: self.publish()
        case 35..<45: self.clients.append(Client())
        case 45..<90:
            guard let client = self.clients.randomElement(using: &self.generator) else { return }
            self.read(client, limit: Int.random(in: 1...4, using: &self.generator))
        case 90..<97:
            guard let client = self.clients.randomElement(using: &self.generator) else { return }
            while self.read(client, limit: 7) {}
            self.check(client)
        default: self.restart()
        }
    }

    private func publish() {
        var events: [Event] = []
        for _ in 0..<Int.random(in: 1...4, using: &self.generator) {
            let number = self.hub.head + 1 + UInt64(events.count)
            let isClear = Int.random(in: 0..<8, using: &self.generator) == 0
            let key = "k\(Int.random(in: 0..<12, using: &self.generator))"
            let event = Event(
                id: "m", title: isClear ? "true" : nil, message: "\(key) \(number) \(isClear)", priority: nil, tags: [],
                timestamp: Timestamp(milliseconds: 0), payload: nil, source: "in", subject: key, attributes: Attributes(),
                raw: ByteBuffer(), limits: EventLimits())
            events.append(event)
            self.published.append(Published(event: event, number: number, key: key, isClear: isClear))
        }
        let reader = EventReader()
        var labels = SSELabels()
        for event in events { try! labels.append(event, of: self.stream, reader) }
        guard let changes = self.hub.publish(events, labels, to: self.stream) else { return self.fail("no changes") }
        self.apply(SnapshotChanges(kept: changes.kept, removed: changes.removed))
    }

    private func apply(_ changes: SnapshotChanges) {
        for number in changes.removed where self.rows.removeValue(forKey: number) == nil { self.fail("\(number) is no row") }
        for kept in changes.kept { self.rows[kept.sequence] = kept }
    }

    /// Restarts with the latest events of the log, and the stored snapshot.
    private func restart() {
        self.hub.leave(self.view)
        self.store.move("e-\(self.hub.head)", of: "")
        (self.hub, self.stream, self.view) = try! Self.hub(self.settings, self.store, self.loop)
        let latest = self.published.suffix(Int.random(in: 0...20, using: &self.generator))
        let history = SinkHistory(
            events: latest.map { NumberedEvent(event: $0.event, sequence: $0.number, accepted: Timestamp(milliseconds: 0)) },
            forgotten: latest.first.map { $0.number - 1 } ?? self.hub.head,
            snapshot: self.rows.values.sorted { $0.sequence < $1.sequence })
        let restoring = SSERestoring(history, of: self.stream)
        if !restoring.changes.isEmpty { self.fail("the restored snapshot differs from the stored one") }
        self.hub.restore(self.stream, restoring.batches, forgotten: history.forgotten, snapshot: restoring.snapshot)
    }

    /// One request of a client.
    ///
    /// - Returns: whether there may be more.
    @discardableResult
    private func read(_ client: Client, limit: Int) -> Bool {
        let start = self.hub.resolve(client.cursor.map { .after($0) } ?? .snapshot, self.view, now: .now())
        var response = SSEPollResponse(self.view, start, limit: limit)
        while !response.read(self.hub, self.hub.shard(on: self.loop), until: .distantFuture) {}
        let body = response.answer(epoch: self.hub.epoch).body
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)) else {
            self.fail("\(String(buffer: body))")
            return false
        }
        if start.gap != nil, answer.snapshot != true { self.fail("a gap without a snapshot") }
        if client.cursor == nil, answer.snapshot != true { self.fail("no snapshot for a new client") }
        if client.cursor?.contains(".") == true, answer.snapshot != true { self.resumed += 1 }
        if answer.snapshot == true {
            self.snapshots += 1
            (client.state, client.seen, client.start) = ([:], [], self.hub.head)
        }
        client.cursor = answer.cursor
        for item in answer.events { self.take(item.message, client) }
        return answer.events.count == limit
    }

    private func take(_ message: String, _ client: Client) {
        let parts = message.split(separator: " ").map(String.init)
        guard parts.count == 3, let number = UInt64(parts[1]) else { return self.fail(message) }
        if !client.seen.insert(number).inserted { self.fail("\(number) came twice") }
        if let other = client.state[parts[0]], other > number { self.fail("\(number) came after \(other)") }
        client.state[parts[0]] = parts[2] == "true" ? nil : number
    }

    /// Compares a client that has everything with what was published.
    private func check(_ client: Client) {
        var last: [String: UInt64] = [:]
        for item in self.published { last[item.key] = item.isClear ? nil : item.number }
        for (key, number) in client.state where last[key] != number { self.fail("\(key) is \(number), not \(last[key] ?? 0)") }
        // Those that no limit has removed.
        let kept = self.settings.snapshot!.max >= 12 ? last.values.sorted() : self.rows.keys.sorted()
        for number in kept where !client.state.values.contains(number) { self.fail("\(number) is missing") }
        for item in self.published where item.number > client.start && !client.seen.contains(item.number) {
            self.fail("\(item.number) after the snapshot at \(client.start) is missing")
        }
        if self.rows.count > self.settings.snapshot!.max { self.fail("\(self.rows.count) keys are kept") }
    }

    private func fail(_ text: String) { self.failures.append(text) }
}
