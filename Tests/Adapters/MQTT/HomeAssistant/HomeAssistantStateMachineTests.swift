import BridgeCore
import Testing

@testable import MQTTAdapter

struct HomeAssistantStateMachineTests {
    private let start = ContinuousClock.now
    private let wall = Timestamp(milliseconds: 1_700_000_000_000)

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { self.start + .milliseconds(milliseconds) }

    private func topics(
        _ machine: inout HomeAssistantStateMachine, at time: Int, _ figures: BridgeObservation = BridgeObservation()
    )
        -> [String]
    {
        machine.messages({ figures }, wall: self.wall, now: self.at(time)).map(\.topic)
    }

    private func receive(
        _ machine: inout HomeAssistantStateMachine, _ topic: String, _ text: String, isRetained: Bool = false, at time: Int
    ) -> HomeAssistantStateMachine.Outcome {
        text.withBytes { machine.received(topic, $0, isRetained: isRetained, now: self.at(time)) }
    }

    /// A machine that has announced at 0.
    private func announced(_ json: String = "") throws -> HomeAssistantStateMachine {
        var machine = try HomeAssistantParts(json).machine
        for _ in machine.connected(now: self.start) { machine.subscribed() }
        _ = self.topics(&machine, at: 0)
        _ = self.receive(&machine, "streambridge/home/marker", "1", at: 0)
        #expect(self.topics(&machine, at: 0).contains("homeassistant/device/streambridge-home/config"))
        return machine
    }

    @Test func `nothing is announced before the broker has sent what it retained`() throws {
        var machine = try HomeAssistantParts().machine
        #expect(machine.due == nil && self.topics(&machine, at: 0).isEmpty)
        let filters = machine.connected(now: self.start)
        #expect(
            filters == [
                "homeassistant/device/streambridge-home/config", "homeassistant/+/streambridge-home/+/config",
                "homeassistant/status", "streambridge/home/marker",
            ])
        for _ in filters.dropLast() { machine.subscribed() }
        #expect(self.topics(&machine, at: 1).isEmpty)
        machine.subscribed()
        #expect(self.topics(&machine, at: 2) == ["streambridge/home/marker"])
        #expect(self.topics(&machine, at: 3).isEmpty, "the marker is sent once")
        let gone = "homeassistant/sensor/streambridge-home/gone/config"
        #expect(self.receive(&machine, gone, "{}", isRetained: true, at: 4) == .none)
        _ = self.receive(&machine, "streambridge/home/marker", "1", at: 5)
        let topics = self.topics(&machine, at: 5)
        #expect(topics.first == "homeassistant/device/streambridge-home/config")
        #expect(topics.contains(gone) && topics.contains("streambridge/home/availability"))
        #expect(topics.contains("streambridge/home/health") && topics.contains("streambridge/home/components"))
    }

    @Test func `a broker that does not answer the subscriptions delays the announcement for a while only`() throws {
        var machine = try HomeAssistantParts().machine
        _ = machine.connected(now: self.start)
        #expect(machine.due == self.start + HomeAssistantStateMachine.patience)
        #expect(self.topics(&machine, at: 4999).isEmpty)
        #expect(!self.topics(&machine, at: 5000).isEmpty)
    }

    @Test func `a start of Home Assistant brings the announcement and the last states again, at most every two seconds`() throws {
        var machine = try self.announced()
        machine.published(HomeAssistantMessage("streambridge/home/last_message/state", "{}"))
        #expect(self.receive(&machine, "homeassistant/status", "offline", at: 10) == .none)
        #expect(self.receive(&machine, "homeassistant/status", "online", isRetained: true, at: 10) == .none)
        #expect(self.topics(&machine, at: 20).isEmpty)
        for time in 30..<1000 { _ = self.receive(&machine, "homeassistant/status", "online", at: time) }
        #expect(machine.due == self.at(1000), "the next look at the figures")
        #expect(self.topics(&machine, at: 1999).isEmpty)
        let topics = self.topics(&machine, at: 2000)
        #expect(topics.contains("homeassistant/device/streambridge-home/config"))
        #expect(topics.contains("streambridge/home/last_message/state"))
        #expect(self.topics(&machine, at: 2001).isEmpty)
    }

    @Test func `figures are looked at every second`() throws {
        var machine = try self.announced()
        #expect(self.topics(&machine, at: 999, BridgeObservation(routesOff: [0])).isEmpty)
        let component = BridgeObservation.Component(isSource: true, name: "door", isConnected: true)
        #expect(
            self.topics(&machine, at: 1000, BridgeObservation(components: [component]))
                == ["streambridge/home/components", "streambridge/home/health"])
        #expect(machine.due == self.at(2000))
        machine.disconnected()
        #expect(machine.due == nil && self.topics(&machine, at: 5000).isEmpty)
    }

    @Test func `commands count only on their topics, not retained, and at most ten in a second`() throws {
        var machine = try self.announced(#""controls": true"#)
        let topic = "streambridge/home/route_alarms/set"
        #expect(self.receive(&machine, topic, "OFF", at: 0) == .command(.route(0, isOn: false)))
        #expect(self.receive(&machine, topic, "ON", at: 1) == .command(.route(0, isOn: true)))
        #expect(self.receive(&machine, topic, "TOGGLE", at: 2) == .none)
        #expect(self.receive(&machine, topic, String(repeating: "O", count: 17), at: 2) == .none)
        #expect(self.receive(&machine, "streambridge/home/route_other/set", "OFF", at: 2) == .none)
        #expect(self.receive(&machine, "streambridge/home/replay_dead_letters/set", "PRESS", at: 2) == .none, "no log on disk")
        #expect(self.receive(&machine, topic, "OFF", isRetained: true, at: 3) == .refusedCommand)
        for time in 3..<11 { #expect(self.receive(&machine, topic, "OFF", at: time) == .command(.route(0, isOn: false))) }
        #expect(self.receive(&machine, topic, "OFF", at: 12) == .refusedCommand)
        #expect(self.receive(&machine, topic, "OFF", at: 1001) == .command(.route(0, isOn: false)))
    }

    @Test func `a file without controls takes no command`() throws {
        var machine = try self.announced()
        #expect(self.receive(&machine, "streambridge/home/route_alarms/set", "OFF", at: 0) == .none)
    }
}
