import BridgeCore
import BridgeTesting
import Testing

@testable import RedisAdapter

/// What happens to messages between a list and their removal: each transition, and random histories against a model of
/// the server and the log.
struct RedisProcessingListTests {
    private static func filled(_ entries: [(UInt64, UInt64)], limit: Int = 10) -> RedisProcessingList {
        var list = RedisProcessingList(limit: limit)
        list.add(entries.map { ($0.0, Position($0.1)) })
        return list
    }

    @Test func `only the safe messages before the first unsafe one are removed`() {
        var list = Self.filled([(1, 1), (2, 3), (3, 2)])
        #expect(list.oldest == Position(1))
        #expect(list.beginRemoval(safe: Position(2)) == 1)
        list.removed()
        #expect(list.oldest == Position(3))
        #expect(list.beginRemoval(safe: Position(2)) == 0)
        list.removed()
        #expect(list.beginRemoval(safe: Position(3)) == 2)
        list.removed()
        #expect(list.isEmpty && list.oldest == nil)
    }

    @Test func `no more is taken than the limit`() {
        var list = Self.filled([(1, 1), (2, 2)], limit: 3)
        #expect(list.room == 1)
        list.add([(3, Position(3)), (4, Position(3))])
        #expect(list.room == 0)
    }

    @Test func `messages that come back are not sent again, and those of equal bytes only as often as there are`() {
        var list = Self.filled([(7, 1), (7, 2), (8, 3)])
        list.beginSession()
        #expect(list.isEmpty && list.expected == 3)
        #expect(list.taken(7, isReturned: false) == nil, "it comes from the list itself")
        #expect(list.taken(7, isReturned: true) == Position(1))
        #expect(list.taken(7, isReturned: true) == Position(2))
        #expect(list.taken(7, isReturned: true) == nil, "a third one is another message")
        list.forgetFormer()
        #expect(list.taken(8, isReturned: true) == nil)
    }

    @Test func `a message whose removal was requested does not stand for another with equal bytes`() {
        var list = Self.filled([(7, 1), (7, 2)])
        #expect(list.beginRemoval(safe: Position(1)) == 1)
        list.beginSession()
        #expect(list.expected == 1)
        #expect(list.taken(7, isReturned: true) == Position(2))
        #expect(list.taken(7, isReturned: true) == nil)
    }

    @Test func `messages whose removal was refused are recognised`() {
        var list = Self.filled([(7, 1), (8, 2)])
        for _ in 0..<3 {
            #expect(list.beginRemoval(safe: Position(2)) == 2)
            list.removalRefused()
            list.beginSession()
            #expect(list.taken(7, isReturned: true) == Position(1))
            #expect(list.taken(8, isReturned: true) == Position(2))
            list.add([(7, Position(1)), (8, Position(2))])
        }
        #expect(list.expected == 0)
    }

    @Test func `sessions that fail one after the other keep a bounded number of messages`() {
        var list = RedisProcessingList(limit: 4)
        for round in 0..<10 as Range<UInt64> {
            list.add((0..<4).map { ($0 + round * 4, Position(round)) })
            list.beginSession()
        }
        #expect(list.expected == 8)
    }

    // MARK: A model

    /// A server with a list and processing lists, and a log that loses what is not safe when the process dies.
    private struct World {
        var random: SeededGenerator
        var list = RedisProcessingList(limit: 6)
        /// The oldest first.
        var queue: [UInt64] = []
        var processing: [UInt64] = []
        var former: [UInt64] = []
        var log: [(content: UInt64, position: UInt64)] = []
        var position: UInt64 = 0
        var safe: UInt64 = 0
        var pushed: [UInt64: Int] = [:]
        /// Whether a message may have been sent twice.
        var mayRepeat = false
        var reached: Set<String> = []

        init(seed: UInt64) { self.random = SeededGenerator(seed: seed) }

        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self.random) < percent }

        mutating func push() {
            // Few different contents: most have a twin.
            let content = UInt64.random(in: 0..<3, using: &self.random)
            self.queue.append(content)
            self.pushed[content, default: 0] += 1
        }

        mutating func beginSession() {
            self.former += self.processing
            self.processing = []
            self.list.beginSession()
            if self.former.isEmpty { self.list.forgetFormer() }
        }

        mutating func crash() {
            self.reached.insert("crash")
            // What was safe and not removed is taken again.
            self.mayRepeat = true
            self.log.removeAll { $0.position > self.safe }
            self.list = RedisProcessingList(limit: 6)
            self.beginSession()
        }

        mutating func take(mayFail: Bool = true) {
            let isReturned = !self.former.isEmpty
            let count = min(Int.random(in: 1...4, using: &self.random), self.list.room)
            let moved = Array((isReturned ? self.former : self.queue).prefix(count))
            if isReturned { self.former.removeFirst(moved.count) } else { self.queue.removeFirst(moved.count) }
            self.processing += moved
            if mayFail, self.chance(10) {
                self.reached.insert("lost taking")
                return self.beginSession()
            }
            let known = moved.map { self.list.taken($0, isReturned: isReturned) }
            if known.contains(nil) { self.position += 1 }
            for (content, position) in zip(moved, known) where position == nil { self.log.append((content, self.position)) }
            if known.contains(where: { $0 != nil }) { self.reached.insert("returned") }
            self.list.add(zip(moved, known).map { ($0, $1 ?? Position(self.position)) })
            if isReturned, self.former.isEmpty { self.list.forgetFormer() }
            #expect(self.processing.count <= 6)
        }

        mutating func remove(mayFail: Bool = true) {
            let count = self.list.beginRemoval(safe: Position(self.safe))
            if mayFail, self.chance(10) {
                self.reached.insert("refused removal")
                self.list.removalRefused()
                return self.beginSession()
            }
            let isCarriedOut = !mayFail || self.chance(80)
            if isCarriedOut { self.processing.removeFirst(count) }
            if mayFail, !isCarriedOut || self.chance(15) {
                self.reached.insert(isCarriedOut ? "lost answer" : "lost removal")
                if count > 0, !isCarriedOut { self.mayRepeat = true }
                return self.beginSession()
            }
            self.list.removed()
        }

        mutating func step() {
            switch Int.random(in: 0..<100, using: &self.random) {
            case ..<35: self.push()
            case ..<65: self.take()
            case ..<80: self.safe = min(self.position, self.safe + UInt64.random(in: 1...3, using: &self.random))
            case ..<96: self.remove()
            case ..<98: self.beginSession()
            default: self.crash()
            }
        }

        mutating func finish() {
            while !self.queue.isEmpty || !self.former.isEmpty || !self.list.isEmpty {
                self.take(mayFail: false)
                self.safe = self.position
                self.remove(mayFail: false)
            }
        }
    }

    @Test func `nothing is lost in random histories, and only lost commands and crashes repeat anything`() {
        var reached: Set<String> = []
        for seed in 0..<600 as Range<UInt64> {
            var world = World(seed: seed)
            for _ in 0..<60 { world.step() }
            world.finish()
            var sent: [UInt64: Int] = [:]
            for entry in world.log { sent[entry.content, default: 0] += 1 }
            for (content, count) in world.pushed {
                #expect(sent[content, default: 0] >= count, "seed \(seed) lost a message")
                if !world.mayRepeat { #expect(sent[content, default: 0] == count, "seed \(seed) repeated a message") }
            }
            reached.formUnion(world.reached)
        }
        #expect(reached == ["crash", "lost taking", "returned", "lost answer", "lost removal", "refused removal"])
    }
}
