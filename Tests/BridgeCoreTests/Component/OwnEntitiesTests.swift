import BridgeCore
import NIOCore
import Testing

struct OwnEntitiesTests {
    private let entities = OwnEntities(
        base: "streambridge/home", discovery: ("homeassistant", "streambridge-home"), prefixes: ["streambridge_home_"])

    private func recognise(_ subject: String, _ body: String = "") -> Bool {
        self.entities.recognise(subject: subject, body: ByteBuffer(string: body))
    }

    @Test(arguments: [
        "streambridge/home", "streambridge/home/health", "streambridge/home/bell/event",
        "homeassistant/device/streambridge-home/config", "homeassistant/sensor/streambridge-home/backlog/config",
        "statestream/sensor/streambridge_home_backlog/state", "a/b/binary_sensor/streambridge_home_online/last_changed",
        "sensor/streambridge_home_backlog/state",
    ])
    func `its topics, its announcements and what Home Assistant publishes of its entities are recognised`(topic: String) {
        #expect(self.recognise(topic))
    }

    @Test(arguments: [
        "", "streambridge/homes", "streambridge/other/health", "homeassistant/device/other/config", "homeassistant/status",
        "homeassistant/config", "statestream/sensor/kitchen/state", "statestream/light/streambridge_home_x/state",
        "statestream/sensor/a/streambridge_home_backlog", "x/config",
    ])
    func `other topics are not`(topic: String) {
        #expect(!self.recognise(topic))
    }

    @Test(arguments: [
        #"{"event_type":"state_changed","data":{"entity_id":"sensor.streambridge_home_backlog","new_state":{}}}"#,
        #"{"event_type": "state_changed", "event_data": {"entity_id": "event.streambridge_home_bell"}}"#,
    ])
    func `a changed state of its entities is recognised in an event of Home Assistant`(body: String) {
        #expect(self.recognise("x", body))
    }

    @Test(arguments: [
        #"{"event_type":"state_changed","data":{"entity_id":"sensor.kitchen"}}"#,
        #"{"event_type":"call_service","data":{"entity_id":"button.streambridge_home_x"}}"#,
        #"{"event_type":"state_changed","data":{"entity_id":"light.streambridge_home_x"}}"#,
        #"{"event_type":"state_changed","data":{"entity_id":"none"}}"#, "state_changed", #"state_changed "entity_id"#, "",
        "state_changed" + String(repeating: " ", count: 600) + #""entity_id":"sensor.streambridge_home_backlog""#,
    ])
    func `other bodies are not`(body: String) {
        #expect(!self.recognise("x", body))
    }
}
