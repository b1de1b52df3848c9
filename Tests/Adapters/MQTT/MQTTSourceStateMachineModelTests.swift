import BridgeCore
import BridgeTesting
import Testing

@testable import MQTTAdapter

/// Drives the state machine through random rounds together with a model of the broker and of the log.
struct MQTTSourceStateMachineModelTests {
    /// The content of the wire, and the fate of each message.
    private struct Model {
        var driver: MQTTSourceMachineDriver
        var random: SeededGenerator
        var time = 0
        /// Packet identifiers without an acknowledgement, the oldest first; 0 for a message that is not wanted.
        var unacknowledged: [UInt64] = []
        /// How many messages of each topic were read.
        var read: [String: [UInt64]] = [:]
        var lastKey: UInt64 = 0
        var safe = Position.start
        var acknowledged = 0
        var wasHeldBack = false

        init(seed: UInt64) throws {
            self.driver = try .reading(#""subscribe": ["a/#", {"topic": "b", "qos": 0}]"#)
            self.driver.grant(2, 0)
            self.random = SeededGenerator(seed: seed)
        }

        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self.random) < percent }

        mutating func readBatch() {
            let topic = ["a/1", "a/2", "b"].randomElement(using: &self.random)!
            let isLoop = self.chance(10)
            var messages: [ReceivedMessage] = []
            var count = 0
            // A topic that feeds itself falls silent while its message is held, right after the 200th of a second.
            let size = isLoop ? Int.random(in: 199...202, using: &self.random) : Int.random(in: 0...8, using: &self.random)
            let loop = "loop \(Int.random(in: 0..<4, using: &self.random))"
            for _ in 0..<size {
                self.lastKey += 1
                let isWanted = isLoop || self.chance(90)
                if topic != "b" {
                    count += 1
                    self.unacknowledged.append(isWanted ? self.lastKey : 0)
                }
                guard isWanted else { continue }
                messages.append(message(topic, isLoop ? loop : "\(self.lastKey)", key: self.lastKey))
                self.read[topic, default: []].append(self.lastKey)
            }
            self.driver.read(messages, acknowledgements: count, at: self.time)
        }

        /// - Returns: true when the machine has ended.
        mutating func step() -> Bool {
            self.time += Int.random(in: 0...300, using: &self.random)
            if self.chance(60) {
                let distance = self.driver.position.rawValue - self.safe.rawValue
                self.safe = Position(self.safe.rawValue + UInt64.random(in: 0...distance, using: &self.random))
            }
            if self.chance(20) { self.safe = self.driver.position }
            let (_, step) = self.driver.step(safe: self.safe, isPaused: self.chance(20), at: self.time)
            let forwarded = self.driver.log.count
            let readInAll = self.read.values.reduce(0) { $0 + $1.count }
            self.wasHeldBack = self.wasHeldBack || forwarded < readInAll
            let isAllSafe = forwarded == readInAll && self.safe.rawValue >= UInt64(forwarded)
            if step.acknowledgements > 0 {
                #expect(
                    isAllSafe,
                    "acknowledged \(step.acknowledgements) with \(forwarded) of \(readInAll) in the log, safe \(self.safe)")
            }
            #expect(step.acknowledgements == (isAllSafe ? self.unacknowledged.count : 0))
            #expect(!step.isLast || (forwarded == readInAll && step.acknowledgements == self.unacknowledged.count))
            self.acknowledged += step.acknowledgements
            self.unacknowledged.removeFirst(min(step.acknowledgements, self.unacknowledged.count))
            if step.reads {
                #expect(self.unacknowledged.count < MQTTPubackWindow.limit)
                self.readBatch()
            }
            return step.isLast
        }
    }

    @Test func `everything read is forwarded once, in order, and acknowledged only when all of it is safe`()
        throws
    {
        var (acknowledged, heldBack) = (0, 0)
        for seed in 0..<150 as Range<UInt64> {
            var model = try Model(seed: seed)
            for _ in 0..<Int.random(in: 1...150, using: &model.random) { #expect(model.step() == false) }
            model.driver.machine.stop()
            var rounds = 0
            while !model.step() {
                rounds += 1
                try #require(rounds < 1000, "seed \(seed) does not end")
            }
            #expect(model.unacknowledged.isEmpty)
            for (topic, keys) in model.read {
                #expect(model.driver.log.filter { $0.subject == topic }.compactMap(\.repeatKey) == keys, "seed \(seed)")
            }
            acknowledged += model.acknowledged
            if model.wasHeldBack { heldBack += 1 }
        }
        // The model has reached what it is about.
        #expect(acknowledged > 10_000)
        #expect(heldBack > 20)
    }

    @Test func `every filter is granted, unanswered or due again`() throws {
        let json = #""subscribe": ["a", "b", "c", "d"]"#
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var driver = try MQTTSourceMachineDriver(json)
            driver.connect()
            var outstanding: Set<Int32> = [1, 2, 3, 4]
            var states: [Int32: Bool] = [:]
            var granted = 0
            var hasEnded = false
            var time = 0
            for _ in 0..<60 where !hasEnded {
                time += Int.random(in: 0...20_000, using: &random)
                let before = driver.packet
                _ = driver.step(at: time)
                for packet in (before..<driver.packet).map({ $0 + 1 }) { outstanding.insert(packet) }
                // Answers come in any order, some for no request.
                let packet = Bool.random(using: &random) ? outstanding.randomElement(using: &random) ?? 99 : 99
                let code: Int32 = Bool.random(using: &random) ? 1 : 0x87
                let actions = driver.grant(packet, code, at: time)
                if outstanding.remove(packet) != nil {
                    states[packet] = code == 1
                    if code == 1 { granted += 1 }
                }
                hasEnded = actions.contains { $0.hasPrefix("refused all") }
                #expect((driver.machine.state == .subscribing) == !outstanding.isEmpty || hasEnded)
                let isComplete = granted == 4
                #expect(isComplete == (driver.machine.warning == nil && outstanding.isEmpty) || hasEnded)
                // Nothing is forgotten: what is not granted is unanswered or has a time.
                #expect(isComplete || !outstanding.isEmpty || driver.machine.nextDue != nil || hasEnded)
                #expect(!hasEnded || granted == 0)
            }
        }
    }
}
