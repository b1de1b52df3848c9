import BridgeCore
import Testing

@testable import MQTTAdapter

struct HomeAssistantConfigurationTests {
    private func complaint(_ json: String) -> String? {
        MQTTAdapterTests.complaint(HomeAssistantSink.Configuration.self, #"{"url": "mqtt://broker", \#(json)}"#)
    }

    @Test func `only the address is required`() throws {
        let configuration = try settings(HomeAssistantSink.Configuration.self, #"{"url": "mqtt://broker"}"#)
        try configuration.validate()
        #expect(configuration.shownEntities.map(\.key) == ["event", "last_message"])
        #expect(!configuration.hasControls)
    }

    @Test(arguments: [
        (#""discovery": "devices""#, "discovery: 'devices' is not one of device, entity"),
        (
            #""discovery_prefix": "home/#""#,
            "discovery_prefix: 'home/#' is not a topic; write one such as home/bridge, without '+' and '#'"
        ),
        (#""topic": "a//b""#, "topic: 'a//b' is not a topic; write one such as home/bridge, without '+' and '#'"),
        (#""topic": "a+""#, "topic: 'a+' is not a topic; write one such as home/bridge, without '+' and '#'"),
        (#""device_id": "my bridge""#, "device_id: 'my bridge' is not an identifier; use 1 to 64 letters, digits, '_' and '-'"),
        (#""device_name": "a\nb""#, "device_name: write 1 to 200 characters without control characters"),
        (#""configuration_url": "home.lan""#, "configuration_url: is not a URL; write one with http:// or https://"),
        (#""interval": "0s""#, "interval: is out of range; 1s to 1h is allowed"),
        (#""entity": "bell""#, "entity: no entity is called 'bell'; there are event, last_message"),
        (#""entity": []"#, "entity: is empty; name an entity, or leave it out for all"),
        (#""entities": {"Bell": {}}"#, "entities: 'Bell' is not a name; use 1 to 48 lower-case letters, digits and '_'"),
        (#""entities": {"online": {}}"#, "entities: 'online' is an entity of the bridge itself; choose another name"),
        (#""entities": {"route_x": {}}"#, "entities: 'route_x' is an entity of the bridge itself; choose another name"),
        (#""entities": {"a": {"platform": "light"}}"#, "entities.a.platform: 'light' is not one of event, sensor, binary_sensor"),
        (
            #""entities": {"a": {"value": "{{ .title }}"}}"#,
            "entities.a.value: an event has no value; write event_type, or platform: sensor"
        ),
        (#""entities": {"a": {"unit": "W"}}"#, "entities.a.unit: only a platform: sensor has this; leave it out"),
        (
            #""entities": {"a": {"platform": "sensor", "event_types": ["x"]}}"#,
            "entities.a.event_types: only a platform: event has this; leave it out"
        ),
        (
            #""entities": {"a": {"event_type": "{{ .title }}"}}"#,
            "entities.a.event_type: needs event_types, which Home Assistant must know in advance"
        ),
        (
            #""entities": {"a": {"event_types": []}}"#,
            "entities.a.event_types: name 1 to 100 types, or leave the key out for the names of the routes"
        ),
        (#""entities": {"a": {"event_types": ["x", "x"]}}"#, "entities.a.event_types: names a type twice; remove one"),
        (
            #""entities": {"a": {"platform": "binary_sensor"}}"#,
            "entities.a.platform: a binary_sensor needs the key 'value', such as value: \"{{ .payload.state }}\""
        ),
        (
            #""entities": {"a": {"platform": "binary_sensor", "value": "{{ .title }}", "off_values": ["Open"]}}"#,
            "entities.a.off_values: 'Open' means on too; remove it from one of the lists"
        ),
        (
            #""entities": {"a": {"platform": "sensor", "state_class": "measurement"}}"#,
            "entities.a.state_class: needs a value that is a number, such as {{ .payload.count }}"
        ),
        (#""entities": {"a": {"icon": "a b"}}"#, "entities.a.icon: 'a b' is not one word, such as motion or mdi:bell"),
    ])
    func `a mistake is refused with the remedy`(settings: String, expected: String) {
        #expect(self.complaint(settings) == expected)
    }

    @Test func `the number of entities is bounded`() {
        let entities = (0...HomeAssistantSink.Configuration.mostEntities).map { #""e\#($0)": {}"# }.joined(separator: ", ")
        #expect(self.complaint(#""entities": {\#(entities)}"#) == "entities: has 101 entities; at most 100 are allowed")
    }

    @Test func `the sink decides about will, birth and session itself`() {
        let names = HomeAssistantSink.Configuration.settings.declarations.map(\.name)
        #expect(!names.contains { ["will", "birth", "session_expiry"].contains($0) } && names.contains("password"))
    }

    @Test(arguments: [
        ("streambridge/#", true), ("#", true), ("homeassistant/#", true), ("homeassistant/+/+/config", true),
        ("streambridge/other/#", false), ("zigbee2mqtt/#", false), ("statestream/+/+/state", false),
    ])
    func `a source whose filter matches what is published about the bridge is found`(filter: String, isFound: Bool) throws {
        let sink = try settings(HomeAssistantSink.Configuration.self, #"{"url": "mqtt://Broker"}"#)
        let source = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://broker", "subscribe": "\#(filter)"}"#)
        let warning = sink.loopWarning(reading: source, bridge: "home", sink: "home_assistant")
        #expect((warning != nil) == isFound)
        if let warning { #expect(warning.message.contains("which home_assistant publishes about this bridge itself")) }
        let elsewhere = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://other", "subscribe": "\#(filter)"}"#)
        #expect(sink.loopWarning(reading: elsewhere, bridge: "home", sink: "home_assistant") == nil)
    }
}
