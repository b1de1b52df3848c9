import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

struct MQTTSinkStateMachineTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { self.start + .seconds(seconds) }

    private func machine(window: Int = 100, receiveMaximum: Int = 65_535) -> MQTTSinkStateMachine {
        MQTTSinkStateMachine(
            window: window, receiveMaximum: receiveMaximum, answerLimit: .seconds(30), now: self.start
        )
    }

    /// Messages at positions 1, 2, 3 … are in flight as packets of the same number.
    private func machine(inFlight count: Int) -> MQTTSinkStateMachine {
        var machine = self.machine()
        for number in 1...count { machine.published(.made(number), as: Int32(number), now: self.start) }
        return machine
    }

    /// The position of a refused delivery, and whether it is refused for good.
    private func text(_ refusal: MQTTSinkStateMachine.Refusal?) -> String? {
        switch refusal {
        case .final(let delivery): "final \(delivery.position)"
        case .passing(let delivery): "passing \(delivery.position)"
        case nil: nil
        }
    }

    private func settled(_ machine: inout MQTTSinkStateMachine, at seconds: Int = 0) -> String? {
        machine.settle(now: self.at(seconds)).map { "\($0.count) through \($0.through.position)" }
    }

    // MARK: Room

    @Test func `the broker and the configuration both limit messages in flight`() {
        #expect(self.machine(window: 100, receiveMaximum: 10).room(within: 1000) == 10)
        #expect(self.machine(window: 10, receiveMaximum: 100).room(within: 1000) == 10)
        #expect(self.machine().room(within: 1) == 1)
        let busy = self.machine(inFlight: 3)
        #expect(busy.room(within: 100) == 97)
        #expect(busy.room(within: 1) == 0)
    }

    @Test func `an answer makes room only when all older messages are answered`() {
        var machine = self.machine(inFlight: 3)
        _ = machine.answered(2, code: 0, now: self.start)
        #expect(self.settled(&machine) == nil)
        #expect(machine.room(within: 3) == 0)
        _ = machine.answered(1, code: 0, now: self.start)
        #expect(self.settled(&machine) == "2 through 2")
        #expect(machine.room(within: 3) == 2)
    }

    // MARK: Answers

    @Test func `answers in any order are found`() {
        var machine = self.machine(inFlight: 4)
        for packet in [3, 1, 4, 2] as [Int32] { #expect(self.text(machine.answered(packet, code: 0, now: self.start)) == nil) }
        #expect(self.settled(&machine) == "4 through 4")
        #expect(self.settled(&machine) == nil)
    }

    @Test func `an answer to a birth message, or a second one, changes nothing`() {
        var machine = self.machine(inFlight: 2)
        _ = machine.answered(1, code: 0, now: self.start)
        #expect(self.text(machine.answered(1, code: 0x87, now: self.start)) == nil)
        #expect(self.text(machine.answered(99, code: 0x87, now: self.start)) == nil)
        #expect(self.settled(&machine) == "1 through 1")
    }

    @Test func `a message that is refused for good does not block the next one`() {
        var machine = self.machine(inFlight: 2)
        #expect(self.text(machine.answered(1, code: 0x87, now: self.start)) == "final 1")
        #expect(self.settled(&machine) == "1 through 1")
        #expect(machine.state == .publishing)
    }

    @Test(arguments: [0x80, 0x83, 0x91, 0x97] as [Int32])
    func `a message that is refused for now ends the connection once the others are answered`(code: Int32) {
        var machine = self.machine(inFlight: 3)
        #expect(self.text(machine.answered(2, code: code, now: self.start)) == "passing 2")
        #expect(self.settled(&machine) == nil)
        #expect(machine.room(within: 100) == 0)
        #expect(machine.step(isFlushed: true, now: self.start) == .wait(until: self.at(5)))
        _ = machine.answered(1, code: 0, now: self.at(1))
        #expect(self.settled(&machine) == "1 through 1")
        #expect(machine.step(isFlushed: true, now: self.at(1)) == .wait(until: self.at(5)))
        _ = machine.answered(3, code: 0, now: self.at(2))
        // It stays in flight, and so do all later ones.
        #expect(self.settled(&machine) == nil)
        #expect(machine.step(isFlushed: true, now: self.at(2)) == .endPostponed(code: code))
        #expect(machine.lost().confirmed.map(\.position.rawValue) == [3])
    }

    @Test func `the other answers may take five seconds from the first refusal`() {
        var machine = self.machine(inFlight: 3)
        _ = machine.answered(1, code: 0x97, now: self.start)
        _ = machine.answered(2, code: 0x80, now: self.at(4))
        #expect(machine.step(isFlushed: false, now: self.at(4)) == .wait(until: self.at(5)))
        #expect(machine.step(isFlushed: false, now: self.at(5)) == .endPostponed(code: 0x97))
    }

    // MARK: Silence

    @Test func `a broker that answers no message in time is given up, unless the network is the reason`() {
        var machine = self.machine(inFlight: 2)
        #expect(machine.step(isFlushed: true, now: self.at(29)) == .wait(until: self.at(30)))
        #expect(machine.step(isFlushed: true, now: self.at(30)) == .giveUp)
        var slow = self.machine(inFlight: 2)
        #expect(slow.step(isFlushed: false, now: self.at(31)) == .wait(until: nil))
    }

    @Test func `the answer time-out starts once the message is sent`() {
        var machine = self.machine(inFlight: 1)
        #expect(machine.step(isFlushed: false, now: self.at(40)) == .wait(until: nil))
        #expect(machine.step(isFlushed: true, now: self.at(41)) == .wait(until: self.at(70)))
        #expect(machine.step(isFlushed: true, now: self.at(70)) == .giveUp)
    }

    @Test func `each answer restarts the time-out`() {
        var machine = self.machine(inFlight: 2)
        _ = machine.answered(1, code: 0, now: self.at(20))
        #expect(self.settled(&machine, at: 20) == "1 through 1")
        #expect(machine.step(isFlushed: true, now: self.at(30)) == .wait(until: self.at(50)))
        #expect(self.settled(&machine, at: 40) == nil)
        #expect(machine.step(isFlushed: true, now: self.at(50)) == .giveUp)
    }

    @Test func `a broker without pending answers has no time limit`() {
        var machine = self.machine()
        #expect(machine.step(isFlushed: true, now: self.at(9999)) == .wait(until: nil))
    }

    // MARK: Ending

    @Test func `a sink ends once everything is answered`() {
        var machine = self.machine(inFlight: 1)
        machine.inletEnded()
        #expect(machine.state == .draining)
        #expect(machine.room(within: 100) == 0)
        #expect(machine.step(isFlushed: true, now: self.start) == .wait(until: self.at(30)))
        _ = machine.answered(1, code: 0, now: self.start)
        #expect(self.settled(&machine) == "1 through 1")
        #expect(machine.step(isFlushed: true, now: self.start) == .end)
        #expect(machine.state == .ended)
    }

    @Test func `a temporary refusal takes precedence over the end`() {
        var machine = self.machine(inFlight: 1)
        _ = machine.answered(1, code: 0x97, now: self.start)
        machine.inletEnded()
        #expect(machine.step(isFlushed: true, now: self.start) == .endPostponed(code: 0x97))
        var draining = self.machine(inFlight: 1)
        draining.inletEnded()
        _ = draining.answered(1, code: 0x97, now: self.start)
        #expect(draining.step(isFlushed: true, now: self.start) == .endPostponed(code: 0x97))
    }

    @Test func `a lost connection names what is in flight longest, and what was answered out of order`() throws {
        var machine = self.machine(inFlight: 4)
        _ = machine.answered(1, code: 0x97, now: self.start)
        _ = machine.answered(3, code: 0, now: self.start)
        let loss = machine.lost()
        #expect(loss.confirmed.map(\.position.rawValue) == [3])
        let oldest = try #require(loss.oldest)
        #expect(oldest.delivery.position == Position(2) && oldest.since == self.start)
        #expect(loss.count == 2)
        #expect(self.machine().lost().oldest == nil)
    }

    // MARK: Model

    @Test func `each message is confirmed once, in order, and after its answer`() {
        var (confirmed, postponed) = (0, 0)
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let limit = Int.random(in: 1...20, using: &random)
            var machine = self.machine(window: 20, receiveMaximum: limit)
            var (last, through, seconds) = (0, 0, 0)
            var open: [Int] = []
            var done: Set<Int> = []
            var isPostponed = false
            rounds: for _ in 0..<100 {
                seconds += 1
                let window = Bool.random(using: &random) ? 100 : 1
                let room = machine.room(within: window)
                #expect(room == (isPostponed ? 0 : max(0, min(window, limit) - (last - through))))
                for _ in 0..<Int.random(in: 0...room, using: &random) {
                    last += 1
                    open.append(last)
                    machine.published(.made(last), as: Int32(last), now: self.at(seconds))
                }
                for _ in 0..<Int.random(in: 0...open.count, using: &random) {
                    // Mostly in order.
                    let isFirst = Int.random(in: 0..<4, using: &random) > 0
                    let number = open.remove(at: isFirst ? 0 : Int.random(in: 0..<open.count, using: &random))
                    let code = ([0x87, 0x97] as [Int32]).randomElement(using: &random)!
                    let isRefused = Int.random(in: 0..<50, using: &random) == 0
                    let answer = self.text(machine.answered(Int32(number), code: isRefused ? code : 0, now: self.at(seconds)))
                    if isRefused, code == 0x97 {
                        #expect(answer == "passing \(number)")
                        isPostponed = true
                    } else {
                        #expect(answer == (isRefused ? "final \(number)" : nil))
                        done.insert(number)
                    }
                }
                let expected = (through..<last).prefix { done.contains($0 + 1) }.count
                let settled = machine.settle(now: self.at(seconds))
                #expect(settled?.count ?? 0 == expected)
                through += expected
                if let settled { #expect(settled.through.position == Position(UInt64(through))) }
                let step = machine.step(isFlushed: true, now: self.at(seconds))
                if isPostponed, open.isEmpty { #expect(step == .endPostponed(code: 0x97)) }
                if case .endPostponed = step { break rounds }
                #expect(step != .giveUp && step != .end)
            }
            #expect(machine.lost().confirmed.map { Int($0.position.rawValue) } == done.filter { $0 > through }.sorted())
            #expect(machine.lost().count == open.count)
            confirmed += through
            if isPostponed { postponed += 1 }
        }
        // The model has reached what it is about.
        #expect(confirmed > 10_000)
        #expect(postponed > 50 && postponed < 300)
    }
}

extension Delivery {
    /// One at this position.
    static func made(_ position: Int) -> Delivery {
        let event = Event(
            id: "\(position)", title: nil, message: "x", priority: nil, tags: [], timestamp: .now(), payload: nil, source: "in",
            subject: "a", attributes: Attributes(), raw: .init(), kind: .message, provenance: Provenance(), limits: EventLimits()
        )
        return Delivery(
            event: event, variant: 0, route: "r", attempts: 0, position: Position(UInt64(position)), ticket: UInt64(position)
        )
    }
}
