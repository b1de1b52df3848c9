import BridgeCore
import NIOCore
import Testing

@testable import MQTTAdapter

struct HomeAssistantStatesTests {
    private let start = ContinuousClock.now
    private let wall = Timestamp(milliseconds: 1_700_000_000_000)

    private func changes(_ states: inout HomeAssistantStates, _ figures: BridgeObservation, at seconds: Int) throws -> [String:
        ParsedMessage]
    {
        let wall = Timestamp(milliseconds: self.wall.milliseconds + Int64(seconds) * 1000)
        let messages = states.changes(figures, wall: wall, now: self.start + .seconds(seconds))
        return try Dictionary(uniqueKeysWithValues: messages.map { ($0.topic, try ParsedMessage($0)) })
    }

    private func door(_ isConnected: Bool, _ problem: String? = nil) -> [BridgeObservation.Component] {
        [.init(isSource: true, name: "door", isConnected: isConnected, problem: problem)]
    }

    @Test func `figures are published when they change, at most once per interval`() throws {
        var states = try HomeAssistantParts(#""interval": "10s""#).states
        let first = try #require(try self.changes(&states, BridgeObservation(backlog: 1), at: 0)["streambridge/home/health"])
        #expect(first.root["version"]?.string == "1.2.3" && first.root["backlog"]?.integer == 1)
        #expect(first.root["last_received"]?.isNull == true && first.root["last_error"]?["message"]?.isNull == true)
        #expect(try self.changes(&states, BridgeObservation(backlog: 2), at: 5).isEmpty)
        #expect(
            try self.changes(&states, BridgeObservation(backlog: 3), at: 10)["streambridge/home/health"]?.root["backlog"]?.integer
                == 3)
        #expect(try self.changes(&states, BridgeObservation(backlog: 3), at: 30).isEmpty)
    }

    @Test func `a lost connection is published at once, with the error`() throws {
        var states = try HomeAssistantParts().states
        _ = try self.changes(&states, BridgeObservation(components: self.door(true)), at: 0)
        let long = String(repeating: "ä", count: 300)
        let changes = try self.changes(&states, BridgeObservation(components: self.door(false, long)), at: 1)
        let state = try #require(changes["streambridge/home/components"]?.root["source_door"])
        #expect(state["connected"]?.bool == false && state["problem"]?.string == String(repeating: "ä", count: 255))
        let health = try #require(changes["streambridge/home/health"]?.root)
        #expect(health["connected"]?.integer == 0 && health["components"]?.integer == 1)
        #expect(health["disconnected"]?[0]?.string == "source door")
        #expect(health["last_error"]?["message"]?.string?.unicodeScalars.count == 255)
        #expect(health["last_error"]?["component"]?.string == "source door")
        let back = try self.changes(&states, BridgeObservation(components: self.door(true)), at: 2)
        #expect(back["streambridge/home/health"]?.root["last_error"]?["component"]?.string == "source door", "the last one stays")
    }

    @Test func `a lost connection is published at once where components have no entities too`() throws {
        var states = try HomeAssistantParts(#""components": false"#).states
        _ = try self.changes(&states, BridgeObservation(components: self.door(true)), at: 0)
        let changes = try self.changes(&states, BridgeObservation(components: self.door(false)), at: 1)
        #expect(changes.keys.sorted() == ["streambridge/home/health"])
    }

    @Test func `events per minute are those of the last sixty seconds`() throws {
        var states = try HomeAssistantParts(#""interval": "1s""#).states
        func rate(_ received: Int, at seconds: Int) throws -> Int64? {
            try self.changes(&states, BridgeObservation(received: received), at: seconds)["streambridge/home/health"]?
                .root["events_per_minute"]?.integer
        }
        #expect(try rate(0, at: 0) == 0)
        #expect(try rate(30, at: 30) == 30)
        #expect(try rate(90, at: 60) == 90)
        #expect(try rate(90, at: 90) == 60)
        #expect(try rate(90, at: 121) == 0)
    }

    @Test func `looks at the figures more often than once a second shorten the minute, and take no more memory`() throws {
        var states = try HomeAssistantParts(#""interval": "1s""#).states
        for count in 0..<1000 { _ = states.changes(BridgeObservation(received: count), wall: self.wall, now: self.start) }
        let health = try #require(try self.changes(&states, BridgeObservation(received: 1000), at: 1)["streambridge/home/health"])
        #expect(health.root["events_per_minute"]?.integer == 119)
    }

    @Test func `the last states are kept by entity, those of events are not`() throws {
        var states = try HomeAssistantParts().states
        #expect(states.all.isEmpty)
        states.published(HomeAssistantMessage("a/state", "1"))
        states.published(HomeAssistantMessage("a/state", "2"))
        states.published(HomeAssistantMessage("a/event", "3", isRetained: false))
        #expect(states.all.map(\.text) == ["2"])
    }
}
