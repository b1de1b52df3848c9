import Testing

@testable import Mosquitto

struct MQTTKeepAliveTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }

    private func machine(_ seconds: Int = 20) -> MQTTKeepAlive {
        MQTTKeepAlive(interval: .seconds(seconds), now: self.start)
    }

    @Test func `a silent broker is given up within one and a half intervals`() {
        var machine = self.machine()
        #expect(machine.act(at: self.at(14.9), reads: true) == .none)
        #expect(machine.act(at: self.at(15), reads: true) == .ping)
        machine.sent(at: self.at(15), isAll: true)
        #expect(machine.act(at: self.at(24.9), reads: true) == .none)
        #expect(machine.act(at: self.at(25), reads: true) == .giveUp)
    }

    @Test func `sent packets do not hide a silent broker`() {
        var machine = self.machine()
        for second in 1...15 { machine.sent(at: self.at(Double(second)), isAll: true) }
        #expect(machine.act(at: self.at(15), reads: true) == .ping)
        for second in 15...24 { machine.sent(at: self.at(Double(second)), isAll: true) }
        #expect(machine.act(at: self.at(25), reads: true) == .giveUp)
    }

    @Test func `a large message that leaves slowly does not count as silence`() {
        var machine = self.machine()
        #expect(machine.act(at: self.at(15), reads: true) == .ping)
        for second in 16...60 {
            machine.sent(at: self.at(Double(second)), isAll: false)
            #expect(machine.act(at: self.at(Double(second)), reads: true) == .none)
        }
        machine.sent(at: self.at(61), isAll: true)
        #expect(machine.act(at: self.at(71), reads: true) == .giveUp)
    }

    @Test func `an answer starts a new interval`() {
        var machine = self.machine()
        #expect(machine.act(at: self.at(15), reads: true) == .ping)
        machine.received(at: self.at(16))
        #expect(machine.act(at: self.at(26), reads: true) == .none)
        #expect(machine.act(at: self.at(30), reads: true) == .ping)
    }

    @Test func `while reading is paused pings continue and no answer is expected`() {
        var machine = self.machine()
        for round in 1...10 { #expect(machine.act(at: self.at(15 * Double(round)), reads: false) == .ping) }
        #expect(machine.act(at: self.at(151), reads: true) == .none)
        #expect(machine.act(at: self.at(165), reads: true) == .ping)
    }

    @Test func `without an interval nothing is ever due`() {
        var machine = self.machine(0)
        #expect(machine.act(at: self.at(100_000), reads: true) == .none)
        #expect(machine.wait(from: self.at(100_000)) == .seconds(30))
    }

    @Test func `the wait ends when something may be due`() {
        var machine = self.machine()
        #expect(machine.wait(from: self.at(1)) == .seconds(10))
        #expect(machine.wait(from: self.at(10)) == .seconds(5))
        #expect(machine.act(at: self.at(15), reads: true) == .ping)
        #expect(machine.wait(from: self.at(15)) == .seconds(10))
        #expect(machine.wait(from: self.at(99)) == .zero)
    }
}
