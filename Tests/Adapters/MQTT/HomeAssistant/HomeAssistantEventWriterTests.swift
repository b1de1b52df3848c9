import BridgeCore
import NIOCore
import Testing

@testable import MQTTAdapter

struct HomeAssistantEventWriterTests {
    private func delivery(
        _ message: String, title: String? = nil, tags: [String] = [], payload: String? = nil, route: String = "alarms"
    ) -> Delivery {
        let event = Event(
            id: "e1", title: title, message: message, priority: 4, tags: tags, timestamp: Timestamp(milliseconds: 0),
            payload: payload.map { ByteBuffer(string: $0) }, source: "door", subject: "s", attributes: Attributes(),
            raw: ByteBuffer(), limits: EventLimits(title: 100_000, message: 100_000))
        return Delivery(event: event, variant: 0, route: route, attempts: 0, position: Position(1), ticket: 1)
    }

    private func messages(_ json: String, _ delivery: Delivery, unknown: (String) -> Void = { _ in }) throws
        -> [HomeAssistantMessage]
    {
        let parts = try HomeAssistantParts(json, routes: ["alarms", "rest"])
        let writer = HomeAssistantEventWriter(names: parts.names, types: parts.catalog.types)
        return try writer.messages(for: delivery, parts.settings.targets, EventReader()) {
            unknown("\($0.entity) \($0.value ?? "absent")")
        }
    }

    @Test func `without entities in the file, an event becomes an event of its route and the last message`() throws {
        let messages = try self.messages("", self.delivery("Somebody rings"))
        #expect(messages.map(\.topic) == ["streambridge/home/event/event", "streambridge/home/last_message/state"])
        #expect(messages.map(\.isRetained) == [false, true])
        let json = #""id":"e1","title":"","message":"Somebody rings","priority":4,"timestamp":"1970-01-01T00:00:00.000Z"}"#
        #expect(messages[0].text == #"{"event_type":"alarms",\#(json)"#)
        #expect(messages[1].text == #"{"state":"Somebody rings","attributes":{\#(json)}"#)
    }

    @Test func `a route that Home Assistant does not know, such as that of a dead letter, has the type other`() throws {
        #expect(try self.messages("", self.delivery("x", route: ""))[0].text.hasPrefix(#"{"event_type":"other","#))
    }

    @Test(arguments: [
        (#""event_types": ["ring", "move"]"#, ["x", "move"], "move"), (#""event_types": ["ring"]"#, ["x"], "other"),
        (#""event_types": ["ring"], "event_type": "{{ .title }}""#, [], "ring"),
        (#""event_types": ["rest"], "event_type": "{{ .title }}""#, [], "other"),
    ])
    func `the type of an event is a tag, or what the file says`(entity: String, tags: [String], expected: String) throws {
        let messages = try self.messages(#""entities": {"bell": {\#(entity)}}"#, self.delivery("x", title: "ring", tags: tags))
        #expect(messages.count == 1 && messages[0].topic == "streambridge/home/bell/event")
        #expect(messages[0].text.hasPrefix(#"{"event_type":"\#(expected)","#))
    }

    @Test func `a sensor shows a part of the event, at most 255 characters`() throws {
        let sensor = #""entities": {"t": {"platform": "sensor", "value": "{{ .payload.t }}", "attributes": false}}"#
        #expect(try self.messages(sensor, self.delivery("x", payload: #"{"t":21.5}"#))[0].text == #"{"state":"21.5"}"#)
        let long = String(repeating: "é", count: 300)
        let text = try self.messages(#""entities": {"t": {"platform": "sensor", "attributes": false}}"#, self.delivery(long))[0]
            .text
        #expect(text == #"{"state":"\#(String(repeating: "é", count: 255))"}"#)
        let title = try self.messages(
            #""entities": {"t": {"platform": "sensor", "attributes": false}}"#, self.delivery("", title: "T"))
        #expect(title[0].text == #"{"state":"T"}"#)
    }

    @Test(arguments: ["sensor", "binary_sensor"], [nil, "{}", #"{"w":null}"#])
    func `an event without the value of an entity is reported and changes nothing`(platform: String, payload: String?) throws {
        let both = #""entities": {"w": {"platform": "\#(platform)", "value": "{{ .payload.w }}"}, "x": {"platform": "sensor"}}"#
        var unknown: [String] = []
        let messages = try self.messages(both, self.delivery("x", payload: payload)) { unknown.append($0) }
        #expect(messages.map(\.topic) == ["streambridge/home/x/state"])
        #expect(unknown == ["w absent"])
    }

    @Test(arguments: [("on", "ON"), ("OPEN", "ON"), ("closed", "OFF"), ("false", "OFF")])
    func `a binary sensor knows usual words, in any case`(value: String, expected: String) throws {
        let sensor = #""entities": {"w": {"platform": "binary_sensor", "value": "{{ .payload.w }}", "attributes": false}}"#
        let messages = try self.messages(sensor, self.delivery("x", payload: #"{"w":"\#(value)"}"#))
        #expect(messages.map(\.text) == [#"{"state":"\#(expected)"}"#])
    }

    @Test func `a value that means neither on nor off is reported and changes nothing`() throws {
        let sensor = #""entities": {"w": {"platform": "binary_sensor", "value": "{{ .payload.w }}", "on_values": ["ajar"]}}"#
        var unknown: [String] = []
        #expect(try self.messages(sensor, self.delivery("x", payload: #"{"w":"open"}"#)) { unknown.append($0) }.isEmpty)
        #expect(unknown == ["w open"])
        #expect(try self.messages(sensor, self.delivery("x", payload: #"{"w":"ajar"}"#)).count == 1)
    }

    @Test func `a route may choose the entities`() throws {
        let both = #""entities": {"a": {}, "b": {"platform": "sensor"}}, "entity": "b""#
        #expect(try self.messages(both, self.delivery("x")).map(\.topic) == ["streambridge/home/b/state"])
    }

    @Test func `a large event is cut to what Home Assistant records`() throws {
        let payload = #"{"x":"\#(String(repeating: "y", count: 20_000))"}"#
        let tags = (0..<100).map { "tag \($0) \(String(repeating: "z", count: 100))" }
        let delivery = self.delivery(
            String(repeating: "m", count: 5000), title: String(repeating: "t", count: 5000), tags: tags, payload: payload)
        for message in try self.messages("", delivery) {
            #expect(message.payload.readableBytes < 16 << 10)
            let root = try ParsedMessage(message).root
            let event = root["attributes"] ?? root
            #expect(event["truncated"]?.bool == true && event["payload"] == nil)
            #expect(event["message"]?.string?.count == 2000 && event["tags"]?.count == 20)
        }
    }
}
