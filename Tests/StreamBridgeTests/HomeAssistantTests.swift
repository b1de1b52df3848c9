import BridgeTesting
import NIOCore
import Testing

/// The block `home_assistant` with a real broker, and a client that reads what Home Assistant would.
@Suite(.timeLimit(.minutes(2)))
struct HomeAssistantTests {
    private static let device = "homeassistant/device/streambridge-tested/config"

    private static func yaml(_ broker: BrokerProcess, _ more: String = "", route: String = "to: home_assistant") -> String {
        """
        home_assistant:
          url: mqtt://127.0.0.1:\(broker.port)
          interval: 1s
          \(more)
        sources: { door: { type: webhook, id: door } }
        sinks: { file: { type: file, path: "{directory}/out" } }
        routes:
          - { name: alarms, from: door, \(route) }
          - { name: lines, from: door, to: file }
        """
    }

    private static func reader(_ broker: BrokerProcess) async throws -> MQTTPeer {
        let reader = try await MQTTPeer.connect(port: broker.port)
        try await reader.subscribe("#")
        return reader
    }

    /// The last message on a topic below that of the bridge.
    private static func last(_ reader: MQTTPeer, _ topic: String) -> String? {
        reader.messages.last { $0.topic == "streambridge/tested/\(topic)" }?.text
    }

    @Test(arguments: ["3.1.1", "5"])
    func `the device, its figures and the events of a route appear, and a kill makes it unavailable`(version: String) async throws
    {
        let broker = try await BrokerProcess.mosquitto()
        let reader = try await Self.reader(broker)
        let bridge = try await BridgeProcess.start(Self.yaml(broker, "protocol: \"\(version)\""))
        try await eventually("it is announced") { reader.messages.contains { $0.topic == Self.device } }
        try await eventually("it is online") { Self.last(reader, "availability") == "online" }
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "Somebody rings"))
        try await eventually("the event arrives") {
            Self.last(reader, "event/event") != nil && Self.last(reader, "last_message/state") != nil
        }
        #expect(Self.last(reader, "event/event")?.hasPrefix(#"{"event_type":"alarms","id":"#) == true)
        #expect(Self.last(reader, "last_message/state")?.hasPrefix(#"{"state":"Somebody rings","attributes":{"id":"#) == true)
        try await eventually("the figures follow") {
            Self.last(reader, "health")?.contains(#""connected":3,"components":3"#) == true
        }
        try await eventually("the event counts") { Self.last(reader, "health")?.contains(#""events_per_minute":1"#) == true }
        #expect(Self.last(reader, "components")?.contains(#""source_door":{"connected":true}"#) == true)
        let late = try await Self.reader(broker)
        try await eventually("states are retained") {
            late.messages.contains { $0.topic == "streambridge/tested/health" && $0.retain }
        }
        #expect(!late.messages.contains { $0.topic.hasSuffix("/event") })
        bridge.process.kill()
        try await eventually("the last will is published") { Self.last(reader, "availability") == "offline" }
    }

    @Test func `a stop makes it unavailable, and a restart removes what left the file`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let entities = "entities: { bell: {}, gone: { platform: sensor } }"
        let bridge = try await BridgeProcess.start(Self.yaml(broker, "controls: true\n  \(entities)"))
        let reader = try await Self.reader(broker)
        try await eventually("both are announced") {
            reader.messages.contains { $0.topic == Self.device && $0.text.contains(#""gone":{"#) }
        }
        try await eventually("it is online") { Self.last(reader, "availability") == "online" }
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "hello"))
        try await eventually("the states are there") {
            Self.last(reader, "gone/state") != nil && Self.last(reader, "routes") != nil
        }
        #expect(try await bridge.stop() == .exited(0))
        try await eventually("it is offline") { Self.last(reader, "availability") == "offline" }
        let second = try await BridgeProcess.start(Self.yaml(broker, "entities: { bell: {} }"), directory: bridge.directory)
        try await eventually("the entity is removed") {
            reader.messages.contains { $0.topic == Self.device && $0.text.contains(#""gone":{"platform":"sensor"}"#) }
        }
        try await eventually("and forgotten") {
            reader.messages.last { $0.topic == Self.device }?.text.contains(#""gone""#) == false
        }
        try await eventually("its state and that of the switches are removed") {
            Self.last(reader, "gone/state") == "" && Self.last(reader, "routes") == ""
        }
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `a start of Home Assistant brings discovery and the last states again`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let reader = try await Self.reader(broker)
        let bridge = try await BridgeProcess.start(Self.yaml(broker))
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "hello"))
        try await eventually("the state is there") { Self.last(reader, "last_message/state") != nil }
        func count(_ topic: String) -> Int { reader.messages.filter { $0.topic == topic }.count }
        let announced = count(Self.device)
        let states = count("streambridge/tested/last_message/state")
        try await reader.publish("online", on: "homeassistant/status")
        try await eventually("all is published again") {
            count(Self.device) > announced && count("streambridge/tested/last_message/state") > states
        }
    }

    @Test func `a broker without persistence that restarts gets everything again`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let bridge = try await BridgeProcess.start(Self.yaml(broker))
        let reader = try await Self.reader(broker)
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "hello"))
        try await eventually("the state is there") { Self.last(reader, "last_message/state") != nil }
        try await broker.restart()
        let late = try await Self.reader(broker)
        try await eventually("all is there again") {
            Self.last(late, "last_message/state")?.contains("hello") == true && Self.last(late, "availability") == "online"
                && late.messages.contains { $0.topic == Self.device }
        }
    }

    @Test func `a broker that refuses the announcement is reported, and events go on`() async throws {
        let directory = try TemporaryDirectory()
        let list = try directory.write("topic readwrite streambridge/#\ntopic read #\n", to: "acl")
        let broker = try await BrokerProcess.mosquitto("acl_file \(list)")
        let reader = try await Self.reader(broker)
        let bridge = try await BridgeProcess.start(Self.yaml(broker))
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "hello"))
        try await eventually("the state is there") { Self.last(reader, "last_message/state") != nil }
        // This mosquitto may close the connection too, and gets the announcement again then.
        try await eventually("the refusal counts") {
            try await bridge.metric("streambridge_home_assistant_messages_refused_total") >= 1
        }
        #expect(bridge.log.contains("Broker refused a message for Home Assistant"))
        #expect(!reader.messages.contains { $0.topic == Self.device })
    }

    @Test(arguments: ["memory", "sqlite"])
    func `a route that is switched off delivers nothing, is counted, and stays off over a restart`(log: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let reader = try await Self.reader(broker)
        let yaml = "log: { kind: \(log) }\n" + Self.yaml(broker, "controls: true")
        let bridge = try await BridgeProcess.start(yaml)
        try await eventually("the switch is on") { Self.last(reader, "routes") == #"{"route_alarms":true,"route_lines":true}"# }
        try await reader.publish("OFF", on: "streambridge/tested/route_lines/set")
        try await eventually("the switch is off") { Self.last(reader, "routes") == #"{"route_alarms":true,"route_lines":false}"# }
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "one"))
        try await eventually("the other route delivers") { Self.last(reader, "last_message/state")?.contains("one") == true }
        #expect(try await bridge.metric("streambridge_route_off_events_total", #"route="lines""#) == 1)
        #expect(try await bridge.stop() == .exited(0))
        #expect(bridge.lines(of: "out").isEmpty && bridge.log.contains("Route switched off"))
        try await bridge.restart()
        try await bridge.untilReady()
        #expect(bridge.log.contains("Route is still switched off"))
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "two"))
        try await eventually("the other route delivers") { Self.last(reader, "last_message/state")?.contains("two") == true }
        try await reader.publish("ON", on: "streambridge/tested/route_lines/set")
        try await eventually("the switch is on") { Self.last(reader, "routes") == #"{"route_alarms":true,"route_lines":true}"# }
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "three"))
        try await eventually("the route delivers") { !bridge.lines(of: "out").isEmpty }
        #expect(try await bridge.stop() == .exited(0))
        #expect(try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message) == ["three"])
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a retained command is ignored at each connect, and with MQTT 5 while connected too`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let reader = try await Self.reader(broker)
        let topic = "streambridge/tested/route_lines/set"
        let off = #"{"route_alarms":true,"route_lines":false}"#
        let on = #"{"route_alarms":true,"route_lines":true}"#
        let ignored = "streambridge_home_assistant_commands_ignored_total"
        let bridge = try await BridgeProcess.start(Self.yaml(broker, "controls: true\n  protocol: \"\(version)\""))
        try await eventually("the switch is on") { Self.last(reader, "routes") == on }
        try await reader.publish("OFF", on: topic, retain: true)
        if version == "5" {
            try await eventually("it is ignored") { try await bridge.metric(ignored) == 1 }
            #expect(Self.last(reader, "routes") == on)
        } else {
            try await eventually("the broker does not report the flag") { Self.last(reader, "routes") == off }
            try await reader.publish("ON", on: topic)
            try await eventually("the switch is on") { Self.last(reader, "routes") == on }
        }
        #expect(try await bridge.stop() == .exited(0))
        try await bridge.restart()
        try await bridge.untilReady()
        try await eventually("it is ignored after the connect") { try await bridge.metric(ignored) == 1 }
        #expect(Self.last(reader, "routes") == on && !bridge.log.contains("Route is still switched off"))
    }

    @Test func `the button replays dead letters`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let reader = try await Self.reader(broker)
        let yaml = """
            log: { kind: sqlite }
            home_assistant: { url: "mqtt://127.0.0.1:\(broker.port)", interval: 1s, controls: true }
            sources: { door: { type: webhook, id: door } }
            sinks: { broken: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", topic: "out/{{ .payload.room }}" } }
            routes: [{ to: broken }]
            """
        let bridge = try await BridgeProcess.start(yaml)
        _ = try await bridge.post("/api/webhooks/door", ByteBuffer(string: "no room"))
        try await eventually("the dead letter counts") { Self.last(reader, "health")?.contains(#""dead_letters":1"#) == true }
        try await reader.publish("PRESS", on: "streambridge/tested/replay_dead_letters/set")
        try await eventually("it is replayed, and given up again") {
            try await bridge.metric("streambridge_dead_letters_total", #"component="broken""#) == 2
        }
        #expect(bridge.log.contains("Dead letters are replayed"))
    }

    @Test func `states of its own entities are not taken as events`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let yaml = """
            home_assistant: { url: "mqtt://127.0.0.1:\(broker.port)", interval: 1s }
            sources: { all: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", subscribe: "#" } }
            sinks: { file: { type: file, path: "{directory}/out" } }
            routes: [{ to: [home_assistant, file] }]
            """
        let bridge = try await BridgeProcess.start(yaml)
        let peer = try await Self.reader(broker)
        try await eventually("it is online") { Self.last(peer, "availability") == "online" }
        try await peer.publish("21", on: "statestream/sensor/streambridge_tested_backlog/state")
        try await peer.publish(
            #"{"event_type":"state_changed","event_data":{"entity_id":"sensor.streambridge_tested_backlog"}}"#, on: "hass/events")
        try await peer.publish("real", on: "a")
        try await eventually("the event arrives") { Self.last(peer, "last_message/state")?.contains("real") == true }
        try await eventually("only the event counts") {
            Self.last(peer, "health")?.contains(#""events_per_minute":1,"#) == true
        }
        #expect(try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message) == ["real"])
        #expect(try await bridge.metric("streambridge_events_dropped_total", #"reason="own_entity""#) >= 4)
        #expect(try await bridge.metric("streambridge_events_dropped_total", #"reason="own_entity""#) < 100)
    }

    @Test func `check warns about a source that reads what the block publishes, and refuses a second block`() async throws {
        let directory = try TemporaryDirectory()
        func check(_ yaml: String) async throws -> String {
            let path = try directory.write(yaml, to: "bridges.yaml")
            return try await BridgeProcess.command("check", path).error
        }
        let sources = "sources: { all: { type: mqtt, url: \"mqtt://broker\", subscribe: [a, \"streambridge/#\"] } }\n"
        let routes = "routes: [{ to: home_assistant }]\n"
        let warned = try await check("home_assistant: { url: \"mqtt://broker\" }\n" + sources + routes)
        #expect(warned.contains("sources.all.subscribe[1]: streambridge/# also matches streambridge/name/health"), "\(warned)")
        #expect(warned.contains("such messages are ignored here, so name the topics that you want"))
        let block = "home_assistant: { url: \"mqtt://broker\" }\n"
        let twice = try await check(block + sources + "sinks: { home_assistant: { type: file, path: a } }\n" + routes)
        #expect(twice.contains("the block home_assistant is a sink of this name; rename this one"), "\(twice)")
        let typed = try await check("home_assistant: { type: mqtt, url: \"mqtt://broker\" }\n" + sources + routes)
        #expect(typed.contains("the block home_assistant has its type; leave 'type' out"), "\(typed)")
        let text = try await check("home_assistant: true\n" + sources + routes)
        #expect(text.contains("home_assistant: must be a mapping with a 'url'"), "\(text)")
        let unknown = try await check("home_assistant: { url: \"mqtt://broker\", birth: { topic: a } }\n" + sources + routes)
        #expect(unknown.contains("unknown key 'birth'"), "\(unknown)")
        let entity = try await check(block + sources + "routes: [{ to: { sink: home_assistant, with: { entity: bell } } }]\n")
        #expect(entity.contains("no entity is called 'bell'; there are event, last_message"), "\(entity)")
        let binary = try await check(
            "home_assistant: { url: \"mqtt://broker\", entities: { c: { platform: binary_sensor } } }\n" + sources + routes)
        #expect(binary.contains("home_assistant.entities.c.platform: a binary_sensor needs the key 'value'"), "\(binary)")
        let same =
            block + "sinks: { two: { type: home-assistant, url: \"mqtt://broker\" } }\n" + sources + "routes: [{ to: two }]\n"
        #expect(
            try await check(same).contains("the Home Assistant device named after the bridge at mqtt://broker:1883 belongs to"))
    }
}
