import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import RedisAdapter

/// Drives the list of pending entries through random rounds together with a model of the server and of the log.
struct RedisPendingListModelTests {
    /// One content of one id: a recreated stream reuses its ids.
    private struct Key: Hashable {
        let id: String
        let content: UInt64
    }

    private struct Handed {
        var isMine: Bool
        var deliveries: Int
    }

    private struct World {
        var random: SeededGenerator
        let maximumDeliveries: Int
        var list: RedisPendingList
        /// What the server has: contents, and what it has handed out without an acknowledgement.
        var contents: [String: UInt64] = [:]
        var handed: [String: Handed] = [:]
        var nextID = 1
        var nextContent: UInt64 = 1
        /// What the log has, and how far that is safe.
        var position: UInt64 = 0
        var safe: UInt64 = 0
        var logged: Set<Key> = []
        /// The state of the process and its connection: batches that wait for their position, and the positions of
        /// entries.
        var batches: [(position: Position, ids: [String])] = []
        var sent: Set<Key> = []
        var places: [String: UInt64] = [:]
        var answered: Set<String> = []
        /// Entries that must have reached the log in the end.
        var promised: Set<Key> = []
        var reached: Set<String> = []

        init(seed: UInt64) {
            self.random = SeededGenerator(seed: seed)
            self.maximumDeliveries = seed.isMultiple(of: 2) ? 0 : 2
            self.list = RedisPendingList(maximumDeliveries: self.maximumDeliveries)
        }

        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self.random) < percent }

        func entry(_ id: String) -> RedisStreamEntry {
            let fields = self.contents[id] == nil ? nil : [(name: ByteBuffer(string: "a"), value: ByteBuffer())]
            var entry = RedisStreamEntry(id: id, fields: fields)
            entry.deliveries = self.handed[id]?.deliveries
            return entry
        }

        /// What the source does with the entries of an answer.
        mutating func read(_ entries: [(entry: RedisStreamEntry, content: UInt64)]) {
            var fresh: [(id: String, content: UInt64)] = []
            for (entry, content) in entries {
                switch self.list.reading(entry, content: content) {
                case .isInFlight(let position): self.batches.append((position, [entry.id]))
                case .send, .giveUpExhausted, .reportDeleted, .giveUpOversized:
                    let key = Key(id: entry.id, content: content)
                    #expect(self.sent.insert(key).inserted, "\(key) is sent twice by one process")
                    self.logged.insert(key)
                    fresh.append((entry.id, content))
                }
            }
            guard !fresh.isEmpty else { return }
            self.position += 1
            self.list.sent(fresh, at: Position(self.position))
            for entry in fresh { self.places[entry.id] = self.position }
            self.batches.append((Position(self.position), fresh.map(\.id)))
        }

        func answer(_ ids: [String]) -> [(entry: RedisStreamEntry, content: UInt64)] {
            ids.map { (self.entry($0), self.contents[$0] ?? 0) }
        }

        mutating func readNew() {
            var ids: [String] = []
            for _ in 0..<Int.random(in: 1...5, using: &self.random) {
                let id = "\(self.nextID)-0"
                self.nextID += 1
                self.contents[id] = self.nextContent
                self.promised.insert(Key(id: id, content: self.nextContent))
                self.nextContent += 1
                self.handed[id] = Handed(isMine: true, deliveries: 1)
                ids.append(id)
            }
            // The answer may be lost with the connection.
            if self.chance(90) { self.read(self.answer(ids)) } else { self.loseConnection() }
        }

        /// - Returns: whether a batch could be acknowledged.
        @discardableResult
        mutating func settle(mayFail: Bool = true) -> Bool {
            guard let batch = self.batches.first, batch.position.rawValue <= self.safe else { return false }
            self.batches.removeFirst()
            let ids = self.list.acknowledgement(of: batch.ids, at: batch.position)
            guard !ids.isEmpty else { return true }
            if mayFail, self.chance(15) {
                self.loseConnection()
                return true
            }
            for id in ids {
                #expect(self.places[id].map { $0 <= self.safe } == true, "\(id) is acknowledged before it is safe")
                #expect(!self.answered.contains("\(id) \(batch.position)"), "\(id) is acknowledged twice")
                self.handed[id] = nil
            }
            if mayFail, self.chance(15) {
                self.reached.insert("answer lost")
                self.loseConnection()
                return true
            }
            self.list.acknowledged(ids, at: batch.position)
            for id in ids { self.answered.insert("\(id) \(batch.position)") }
            return true
        }

        mutating func loseConnection() {
            self.batches = self.list.unacknowledged().map { ($0.position, $0.ids) }
            self.list.endClaim()
            self.read(self.answer(self.handed.filter(\.value.isMine).keys.sorted()))
        }

        mutating func restart() {
            self.list = RedisPendingList(maximumDeliveries: self.maximumDeliveries)
            (self.sent, self.places, self.answered) = ([], [:], [])
            self.loseConnection()
        }

        /// Acknowledgements continue between a claim and its answer.
        mutating func claim() {
            self.list.beginClaim()
            let ids = self.handed.keys.sorted().filter { _ in Bool.random(using: &self.random) }
            // Servers since Redis 7 drop deleted entries from their list and say so.
            let (there, gone) = (ids.filter { self.contents[$0] != nil }, ids.filter { self.contents[$0] == nil })
            for id in there { self.handed[id] = Handed(isMine: true, deliveries: self.handed[id]!.deliveries + 1) }
            for id in gone { self.handed[id] = nil }
            let answer = self.answer(there)
            let wasInHand = Set(ids.filter { self.list.contains($0) })
            let batches = self.batches.count
            for _ in 0..<Int.random(in: 0...3, using: &self.random) { self.settle(mayFail: false) }
            if self.batches.count < batches, !wasInHand.allSatisfy({ self.list.contains($0) }) {
                self.reached.insert("acknowledged during a claim")
            }
            let claimed = Set(self.list.claimed(answer.map(\.entry)).map(\.id))
            self.read(answer.filter { claimed.contains($0.entry.id) })
            let reported = self.list.deleted(gone)
            #expect(wasInHand.isDisjoint(with: reported), "what was read is reported as lost")
            for id in gone where !reported.contains(id) { #expect(self.places[id] != nil, "the loss of \(id) is not reported") }
            self.list.endClaim()
        }

        mutating func keepAlive() {
            let listed = self.handed.filter(\.value.isMine).sorted { $0.key < $1.key }.map {
                RedisPendingEntry(id: $0.key, consumer: "me", idle: 0, deliveries: $0.value.deliveries)
            }
            let commands = self.list.keepAlive(listed)
            let ids = commands.flatMap(\.ids)
            #expect(Set(ids).count == ids.count)
            #expect(Set(ids) == Set(listed.map(\.id).filter { self.list.contains($0) }))
            for command in commands {
                if let deliveries = command.deliveries {
                    #expect(deliveries >= 1)
                    self.reached.insert("delivery given back")
                    for id in command.ids { self.handed[id]?.deliveries = deliveries }
                }
                if self.chance(80) { self.list.keptAlive(command.ids) }
            }
        }

        mutating func remake() {
            self.contents = [:]
            self.handed = [:]
            self.nextID = 1
            self.promised = self.promised.intersection(self.logged)
            self.list.forget()
            self.places = [:]
        }

        mutating func step() {
            switch Int.random(in: 0..<100, using: &self.random) {
            case 0..<30: self.readNew()
            case 30..<60: self.settle()
            case 60..<70: self.safe = UInt64.random(in: self.safe...self.position, using: &self.random)
            case 70..<78: self.claim()
            case 78..<84: self.keepAlive()
            case 84..<90:
                // Another consumer takes over an entry, and perhaps acknowledges it.
                guard let id = self.handed.keys.sorted().randomElement(using: &self.random) else { return }
                self.handed[id] = Handed(isMine: false, deliveries: self.handed[id]!.deliveries + 1)
            case 90..<94:
                guard let id = self.contents.keys.sorted().randomElement(using: &self.random) else { return }
                if let content = self.contents[id], !self.logged.contains(Key(id: id, content: content)) {
                    self.promised.remove(Key(id: id, content: content))
                }
                self.contents[id] = nil
            case 94..<97: self.loseConnection()
            case 97..<99: self.restart()
            default: self.remake()
            }
        }

        /// All that is handed out is read, becomes safe and is acknowledged.
        mutating func finish() {
            for id in self.handed.keys { self.handed[id]?.isMine = true }
            self.loseConnection()
            self.safe = self.position
            while self.settle(mayFail: false) {}
        }
    }

    @Test func `nothing is acknowledged before it is safe or twice, and nothing is forgotten`() {
        var reached: Set<String> = []
        for seed in 0..<300 as Range<UInt64> {
            var world = World(seed: seed)
            for _ in 0..<200 { world.step() }
            world.finish()
            #expect(world.list.isEmpty, "seed \(seed): the list keeps what the server has let go")
            #expect(world.batches.isEmpty)
            #expect(world.handed.isEmpty, "seed \(seed): not acknowledged: \(world.handed.keys.sorted())")
            #expect(world.promised.isSubset(of: world.logged), "seed \(seed): entries did not reach the log")
            reached.formUnion(world.reached)
        }
        // The model has reached what it is about.
        #expect(reached == ["answer lost", "acknowledged during a claim", "delivery given back"])
    }
}
