import BridgeCore
import NIOCore
import Testing

@testable import MQTTAdapter

struct HomeAssistantAnnouncementTests {
    private static let device = "homeassistant/device/streambridge-home/config"

    private func keys(_ message: HomeAssistantMessage) throws -> [String] {
        try #require(try ParsedMessage(message).root["components"]).names
    }

    @Test func `one retained message announces the device with all its entities`() throws {
        var announcement = try HomeAssistantParts(#""controls": true, "area": "Cellar""#, replays: true).announcement
        let messages = announcement.messages()
        #expect(messages.map(\.topic) == [Self.device] && messages[0].isRetained)
        let root = try ParsedMessage(messages[0]).root
        #expect(root["device"]?["identifiers"]?[0]?.string == "streambridge-home")
        #expect(root["device"]?["name"]?.string == "streambridge home")
        #expect(root["device"]?["suggested_area"]?.string == "Cellar")
        #expect(root["origin"]?["sw_version"]?.string == "1.2.3")
        #expect(
            try self.keys(messages[0]) == [
                "online", "version", "connected", "events_per_minute", "backlog", "dead_letters", "last_error", "last_received",
                "source_door", "sink_home_assistant", "route_alarms", "replay_dead_letters", "event", "last_message",
            ])
        let entities = try #require(root["components"])
        #expect(entities["online"]?["availability_topic"] == nil, "it would be unavailable instead of off")
        #expect(entities["online"]?["state_topic"]?.string == "streambridge/home/availability")
        #expect(entities["backlog"]?["unique_id"]?.string == "streambridge-home_backlog")
        #expect(entities["backlog"]?["default_entity_id"]?.string == "sensor.streambridge_home_backlog")
        #expect(entities["backlog"]?["availability_topic"]?.string == "streambridge/home/availability")
        #expect(entities["event"]?["event_types"]?[0]?.string == "alarms")
        #expect(entities["event"]?["event_types"]?[1]?.string == "other")
        #expect(entities["route_alarms"]?["command_topic"]?.string == "streambridge/home/route_alarms/set")
    }

    @Test func `controls are offered only where the file asks for them, and a replay only with a log on disk`() throws {
        func platforms(_ json: String, replays: Bool) throws -> Set<String> {
            Set(try HomeAssistantParts(json, replays: replays).catalog.components.map(\.platform))
        }
        #expect(try platforms("", replays: true) == ["sensor", "binary_sensor", "event"])
        #expect(try platforms(#""controls": true"#, replays: false) == ["sensor", "binary_sensor", "event", "switch"])
        #expect(try platforms(#""controls": true"#, replays: true).contains("button"))
    }

    @Test func `an entity that left the file is removed from the device, then forgotten`() throws {
        var announcement = try HomeAssistantParts().announcement
        let earlier =
            #"{"components":{"online":{"platform":"binary_sensor","name":"x"},"gone":{"platform":"sensor","name":"y"}}}"#
        #expect(earlier.withBytes { announcement.found(Self.device, payload: $0) })
        let messages = announcement.messages()
        let state = "streambridge/home/gone/state"
        #expect(messages.map(\.topic) == [Self.device, state, Self.device])
        #expect(messages[1] == .removal(of: state))
        let first = try #require(try ParsedMessage(messages[0]).root["components"])
        #expect(first["gone"]?["platform"]?.string == "sensor" && first["gone"]?.count == 1)
        #expect(first["online"]?["name"]?.string == "Online")
        #expect(!(try self.keys(messages[2])).contains("gone"))
        #expect(announcement.messages().count == 1, "nothing is left to remove")
    }

    @Test func `an entity of another platform under the same key is replaced`() throws {
        var announcement = try HomeAssistantParts().announcement
        _ = #"{"components":{"event":{"platform":"sensor","name":"x"}}}"#.withBytes {
            announcement.found(Self.device, payload: $0)
        }
        let messages = announcement.messages()
        #expect(try ParsedMessage(messages[0]).root["components"]?["event"]?["platform"]?.string == "sensor")
        #expect(messages[1] == .removal(of: "streambridge/home/event/state"))
        #expect(try ParsedMessage(messages[2]).root["components"]?["event"]?["platform"]?.string == "event")
    }

    @Test(arguments: ["device", "entity"], ["device", "entity"])
    func `states of what left the file are removed from the broker, others stay`(form: String, earlier: String) throws {
        let entities = [
            ("sensor", "gone"), ("binary_sensor", "door"), ("event", "bell"), ("sensor", "backlog"), ("sensor", "last_message"),
            ("switch", "route_alarms"), ("button", "replay_dead_letters"), ("binary_sensor", "source_door"),
        ]
        func removed(_ json: String) throws -> [String] {
            var announcement = try HomeAssistantParts(#""discovery": "\#(form)"\#(json)"#).announcement
            if earlier == "device" {
                let members = entities.map { #""\#($1)":{"platform":"\#($0)"}"# }.joined(separator: ",")
                _ = #"{"components":{\#(members)}}"#.withBytes { announcement.found(Self.device, payload: $0) }
            } else {
                for (platform, key) in entities {
                    let topic = "homeassistant/\(platform)/streambridge-home/\(key)/config"
                    _ = "{}".withBytes { announcement.found(topic, payload: $0) }
                }
            }
            let messages = announcement.messages()
            let states = messages.filter { $0.topic.hasPrefix("streambridge/") }
            #expect(states.allSatisfy { $0.isRetained && $0.payload.readableBytes == 0 })
            #expect(messages.first?.topic.hasPrefix("streambridge/") == false, "entities are removed before their states")
            return states.map(\.topic)
        }
        let gone = ["streambridge/home/door/state", "streambridge/home/gone/state"]
        #expect(try removed(#", "controls": true"#) == gone)
        #expect(try removed("") == gone + ["streambridge/home/routes"])
        #expect(
            try removed(#", "components": false"#) == ["streambridge/home/components"] + gone + ["streambridge/home/routes"])
    }

    @Test func `the older form has one retained message for each entity, and removes others by an empty one`() throws {
        var announcement = try HomeAssistantParts(#""discovery": "entity""#).announcement
        let gone = "homeassistant/sensor/streambridge-home/gone/config"
        #expect(#"{"name":"x"}"#.withBytes { announcement.found(gone, payload: $0) })
        #expect("{}".withBytes { announcement.found("homeassistant/sensor/streambridge-home/backlog/config", payload: $0) })
        #expect(!"{}".withBytes { announcement.found("homeassistant/sensor/another/backlog/config", payload: $0) })
        let messages = announcement.messages()
        #expect(messages.suffix(2) == [.removal(of: gone), .removal(of: "streambridge/home/gone/state")])
        #expect(messages.filter { $0.payload.readableBytes == 0 }.count == 2)
        let backlog = try #require(messages.first { $0.topic == "homeassistant/sensor/streambridge-home/backlog/config" })
        let root = try ParsedMessage(backlog).root
        #expect(root["unique_id"]?.string == "streambridge-home_backlog")
        #expect(root["device"]?["name"]?.string == "streambridge home" && root["origin"]?["name"]?.string == "streambridge")
        #expect(root["platform"] == nil)
    }

    @Test func `a change of the form keeps the entities`() throws {
        let topic = "homeassistant/sensor/streambridge-home/backlog/config"
        var device = try HomeAssistantParts().announcement
        _ = "{}".withBytes { device.found(topic, payload: $0) }
        let moved = device.messages()
        #expect(moved.map(\.topic) == [topic, Self.device, topic])
        #expect(moved[0].text == HomeAssistantAnnouncement.migration && moved[2].text.isEmpty)
        var entity = try HomeAssistantParts(#""discovery": "entity""#).announcement
        _ = #"{"components":{"backlog":{"platform":"sensor"}}}"#.withBytes { entity.found(Self.device, payload: $0) }
        let back = entity.messages()
        #expect(back.first?.topic == Self.device && back.first?.text == HomeAssistantAnnouncement.migration)
        #expect(back.last == .removal(of: Self.device))
    }

    @Test func `an earlier announcement that is large, or no JSON, is not read`() throws {
        var announcement = try HomeAssistantParts().announcement
        let limit = HomeAssistantAnnouncement.limits
        let members = (0...limit.entities).map { #""x\#($0)":{"platform":"sensor"}"# }.joined(separator: ",")
        _ = #"{"components":{\#(members)}}"#.withBytes { announcement.found(Self.device, payload: $0) }
        let first = try #require(announcement.messages().first)
        #expect(try self.keys(first).filter { $0.hasPrefix("x") }.count == limit.entities)
        let large = #"{"components":{"x":{"platform":"sensor"}}}"# + String(repeating: " ", count: limit.bytes)
        for text in [large, "{", "[]", #"{"components":{"a b":{"platform":"sensor"},"c":{"platform":"+/x"}}}"#] {
            _ = text.withBytes { announcement.found(Self.device, payload: $0) }
            #expect(announcement.messages().count == 1, "\(text.prefix(60))")
        }
        for number in 0...limit.entities {
            _ = "{}".withBytes { announcement.found("homeassistant/sensor/streambridge-home/x\(number)/config", payload: $0) }
        }
        #expect(announcement.messages().count == 1 + 2 * limit.entities, "each has an announcement and a state")
    }

    @Test func `more sources and routes than the limit have no entity each`() throws {
        let names = (0..<100).map { "s\($0)" }
        let parts = try HomeAssistantParts(#""controls": true"#, sources: names, routes: names)
        #expect(parts.catalog.parts.count == HomeAssistantCatalog.most)
        #expect(parts.catalog.routes.count == HomeAssistantCatalog.most)
        #expect(parts.catalog.omitted == 101 - HomeAssistantCatalog.most + 100 - HomeAssistantCatalog.most)
    }

    @Test(arguments: [
        ("home", "home"), ("a.b", "a_b_"), ("Küche", "K__che_"), ("", "_"),
        (String(repeating: "x", count: 60), String(repeating: "x", count: 48) + "_"),
    ])
    func `a name becomes an identifier that no other name has`(name: String, expected: String) {
        let identifier = HomeAssistantNames.identifier(name)
        #expect(identifier == expected || (identifier.hasPrefix(expected) && identifier.count == expected.count + 8))
        #expect(HomeAssistantNames.isIdentifier(identifier))
        #expect(HomeAssistantNames.identifier("a.b") != HomeAssistantNames.identifier("a_b"))
    }

    @Test func `what identifiers begin with is what Home Assistant makes of the names`() throws {
        #expect(try HomeAssistantParts().names.entityPrefixes == ["streambridge_home_"])
        #expect(
            try HomeAssistantParts(#""device_name": "My Bridge!""#).names.entityPrefixes == ["streambridge_home_", "my_bridge_"])
        #expect(HomeAssistantNames.slug("Events per minute") == "events_per_minute")
        #expect(HomeAssistantNames.slug("  Küche & Straße! ") == "kuche_strasse")
    }
}
