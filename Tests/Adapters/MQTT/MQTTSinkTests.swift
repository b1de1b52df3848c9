import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

@Suite(.timeLimit(.minutes(2)))
struct MQTTSinkTests {
    private func url(_ port: Int) -> String { "mqtt://127.0.0.1:\(port)" }

    private func bodies(_ range: Range<Int>) -> [ByteBuffer] { range.map { ByteBuffer(string: "message \($0)") } }

    /// Runs a sink while `body` does, with a peer that is subscribed to everything.
    private func run(
        _ json: String, variants: [String] = [], broker: BrokerProcess,
        _ body: (MQTTRig, ScriptedSource, MQTTPeer) async throws -> Void
    ) async throws {
        var options = MQTTPeer.Options()
        options.version = 5
        let peer = try await MQTTPeer.connect(port: broker.port, options)
        try await peer.subscribe("#")
        let script = ScriptedSource()
        let connection = #""url": "\#(self.url(broker.port))""#
        let rig = try MQTTRig(
            script: script, sink: "{\(connection), \(json)}", variants: variants.map { "{\(connection), \($0)}" })
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            try await body(rig, script, peer)
        }
        #expect(left == 0)
    }

    @Test(arguments: ["3.1.1", "5"], [0, 1])
    func `events with any bytes arrive in order`(version: String, qos: Int) async throws {
        let broker = try await BrokerProcess.mosquitto()
        var bodies = self.bodies(0..<2000)
        bodies.append(ByteBuffer())
        bodies.append(ByteBuffer(bytes: UInt8.min...UInt8.max))
        bodies.append(ByteBuffer(repeating: 0x61, count: 1 << 20))
        try await self.run(
            #""topic": "out", "format": "raw", "protocol": "\#(version)", "qos": \#(qos)"#, broker: broker
        ) { _, script, peer in
            script.send(bodies)
            try await eventually { peer.count == bodies.count }
            #expect(peer.messages.map(\.payload) == bodies)
            #expect(peer.messages.allSatisfy { $0.qos == qos && $0.topic == "out" && !$0.retain })
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a structured body is valid JSON for every event`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let text = "say \"hi\"\r\n\\ \u{1} \\\""
        try await self.run(
            #""topic": "out", "protocol": "\#(version)", "json": {"text": "{{ .message }}", "all": "<{{ .message }}>", "no": "{{ .payload.no }}"}"#,
            broker: broker
        ) { _, script, peer in
            script.send([ByteBuffer(string: text)])
            try await eventually { peer.count == 1 }
            #expect(try settings([String: String].self, peer.messages[0].text) == ["text": text, "all": "<\(text)>"])
            if version == "5" { #expect(peer.messages[0].properties[0x03] == Array("application/json".utf8)) }
        }
    }

    @Test func `the event's JSON is sent, with its provenance and its id beside it`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(#""topic": "out", "user_properties": {"room": "{{ $subject }}"}"#, broker: broker) { _, script, peer in
            script.send([ByteBuffer(string: #"{"id": "m1", "title": "Door", "message": "open"}"#)], subject: "hall")
            try await eventually { peer.count == 1 }
            let message = peer.messages[0]
            #expect(message.text.hasPrefix(#"{"id":"m1","title":"Door","message":"open""#))
            let properties = Dictionary(message.userProperties.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(properties["idempotency-key"] == "m1")
            #expect(properties["streambridge-origin"] == "other")
            #expect(properties["streambridge-hops"] == "1")
            #expect(properties["room"] == "hall")
        }
    }

    @Test func `topic, body and retain are rendered from the event, and its content cannot choose other topics`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            #""topic": "bridge/{{ .title }}", "body": "<{{ .message }}>", "retain": "{{ .payload.keep }}""#, broker: broker
        ) { _, script, peer in
            script.send([
                ByteBuffer(string: #"{"title": "hall", "message": "a", "payload": {"keep": true}}"#),
                ByteBuffer(string: #"{"title": "../+/#", "message": "b", "payload": {"keep": false}}"#),
            ])
            try await eventually { peer.count == 2 }
            #expect(peer.messages.map(\.topic) == ["bridge/hall", "bridge/..____"])
            #expect(peer.messages.map(\.text) == ["<a>", "<b>"])
            let late = try await MQTTPeer.connect(port: broker.port)
            try await late.subscribe("bridge/#")
            try await eventually { late.count == 1 }
            #expect(late.messages.map(\.topic) == ["bridge/hall"])
        }
    }

    @Test func `a route's own settings apply to its deliveries`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            #""topic": "one", "format": "raw""#, variants: [#""topic": "two", "format": "template", "body": "x", "qos": 0"#],
            broker: broker
        ) { _, script, peer in
            script.send(self.bodies(0..<10))
            try await eventually { peer.count == 20 }
            #expect(peer.messages.filter { $0.topic == "one" }.map(\.payload) == self.bodies(0..<10))
            #expect(peer.messages.filter { $0.topic == "two" }.allSatisfy { $0.text == "x" && $0.qos == 0 })
        }
    }

    @Test(arguments: [#""in_flight": 1"#, #""in_flight": 5"#, #""in_flight": 500"#])
    func `every window delivers everything`(window: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(#""topic": "out", "format": "raw", \#(window)"#, broker: broker) { _, script, peer in
            script.send(self.bodies(0..<300))
            try await eventually { peer.count == 300 }
            #expect(peer.messages.map(\.payload) == self.bodies(0..<300))
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `nothing is missing after repeated connection losses`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.subscribe("#")
        let proxy = try MQTTProxy(broker: broker.port)
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script,
            sink:
                #"{"url": "\#(self.url(proxy.port))", "protocol": "\#(version)", "topic": "out", "format": "raw", "in_flight": 10}"#
        )
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            for round in 0..<5 {
                script.send(self.bodies((round * 400)..<(round * 400 + 400)))
                try await eventually { peer.count > round * 400 + 50 }
                let connections = proxy.connections
                proxy.cut()
                try await eventually { proxy.connections > connections }
            }
            try await eventually { Set(peer.messages.map(\.text)).count == 2000 }
        }
        #expect(left == 0)
    }

    /// With MQTT 3.1.1 the broker can only close the connection.
    @Test(arguments: ["3.1.1", "5"])
    func `a message that the broker refuses does not block the next ones`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto("max_packet_size 1000")
        try await self.run(#""topic": "out", "format": "raw", "protocol": "\#(version)""#, broker: broker) { rig, script, peer in
            script.send([ByteBuffer(string: "a"), ByteBuffer(repeating: 0x61, count: 2000), ByteBuffer(string: "b")])
            // Each attempt is a connection.
            try await eventually(within: .seconds(60)) { peer.messages.last?.text == "b" }
            #expect(Set(peer.messages.map(\.text)) == ["a", "b"])
        }
    }

    @Test func `properties that an event makes empty are left out`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            """
            "topic": "out", "content_type": "{{ .payload.no }}", "response_topic": "{{ .payload.no }}",
            "correlation_data": "{{ .payload.no }}", "user_properties": {"room": "{{ .payload.no }}"}
            """, variants: [#""topic": "raw", "format": "raw""#], broker: broker
        ) { _, script, peer in
            let attributes = Attributes([("content-type", ""), ("response_topic", ""), ("correlation_data", "")])
            script.send([ReceivedMessage(subject: "a", body: ByteBuffer(string: "x"), attributes: attributes)])
            try await eventually { peer.count == 2 }
            #expect(Set(peer.messages.map(\.topic)) == ["out", "raw"])
            #expect(peer.messages.allSatisfy { message in [3, 8, 9].allSatisfy { message.properties[$0] == nil } })
            #expect(peer.messages[0].userProperties.first { $0.name == "room" }?.value == "")
        }
    }

    @Test func `a response topic that lacks a part is left out and reported, and the event continues`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            #""topic": "out", "response_topic": "answers/{{ .payload.no }}", "content_type": "text/{{ .message }}""#,
            broker: broker
        ) { rig, script, peer in
            script.send([ByteBuffer(string: "plain")])
            try await eventually { peer.count == 1 }
            #expect(peer.messages[0].properties[8] == nil && peer.messages[0].properties[3] != nil)
            #expect(rig.metrics.render().contains("streambridge_mqtt_properties_failed_total{"))
        }
    }

    @Test func `properties that make a broker close the connection are made harmless`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            #""topic": "out", "content_type": "{{ .message }}", "user_properties": {"text": "{{ .message }}"}"#, broker: broker
        ) { _, script, peer in
            // What a literal cannot hold.
            let characters = [0x0a, 0, 1, 0x7f, 0x85, 0xffff, 0xfdd0, 0x1fffe].map { String(Unicode.Scalar($0 as UInt32)!) }
            let body = ByteBuffer(string: "a" + characters.joined(separator: "b") + "\u{e9}")
            script.send([
                ReceivedMessage(subject: "a", body: body, attributes: Attributes([("traceparent", "00-\(characters[5])")])),
                ReceivedMessage(subject: "a", body: ByteBuffer(string: "next")),
            ])
            try await eventually { peer.count == 2 }
            let properties = Dictionary(peer.messages[0].userProperties.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(properties["text"] == "a b b b b b b b \u{e9}")
            #expect(properties["traceparent"] == "00- ")
            #expect(peer.messages[0].properties[3].map { String(decoding: $0, as: UTF8.self) } == properties["text"])
        }
    }

    @Test func `a topic that the broker forbids is refused with its reason, and the next ones continue`() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("topic readwrite open/#\ntopic read #\n", to: "acl")
        let broker = try await BrokerProcess.mosquitto("acl_file \(file)")
        try await self.run(#""topic": "{{ .title }}/x", "any_topic": true, "body": "{{ .message }}""#, broker: broker) {
            _, script, peer in
            script.send([
                ByteBuffer(string: #"{"title": "closed", "message": "a"}"#),
                ByteBuffer(string: #"{"title": "open", "message": "b"}"#),
            ])
            try await eventually { peer.count == 1 }
            #expect(peer.messages.map(\.topic) == ["open/x"])
        }
    }

    @Test func `a frozen broker is noticed and nothing is lost`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(#""topic": "out", "format": "raw", "keep_alive": "5s""#, broker: broker) { rig, script, peer in
            broker.freeze()
            script.send(self.bodies(0..<50))
            try await eventually("the keep-alive has run out") { !rig.errors.isEmpty }
            broker.thaw()
            try await eventually { Set(peer.messages.map(\.text)).count == 50 }
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `messages before CONNACK are delivered`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.subscribe("#")
        let proxy = try MQTTProxy(broker: broker.port)
        proxy.swallow()
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script,
            sink: #"{"url": "\#(self.url(proxy.port))", "protocol": "\#(version)", "topic": "out", "format": "raw"}"#)
        let left = try await rig.run {
            try await eventually { script.outlet != nil && proxy.connections >= 1 }
            script.send(self.bodies(0..<300))
            #expect(!rig.sink.status.isConnected)
            proxy.forward()
            proxy.cut()
            try await eventually { peer.count == 300 }
        }
        #expect(left == 0)
        #expect(peer.messages.map(\.payload) == self.bodies(0..<300))
    }

    @Test func `properties of MQTT 5 are rendered from the event`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(
            """
            "topic": "out", "body": "x", "content_type": "text/{{ .message }}", "response_topic": "r/{{ .title }}",
            "correlation_data": "{{ .title }}", "message_expiry": "1h"
            """, broker: broker
        ) { _, script, peer in
            script.send([
                ByteBuffer(string: #"{"title": "a/#", "message": "refused"}"#),
                ByteBuffer(string: #"{"title": "one", "message": "plain"}"#),
            ])
            try await eventually { peer.count == 1 }
            let properties = peer.messages[0].properties
            #expect(properties[3].map { String(decoding: $0, as: UTF8.self) } == "text/plain")
            #expect(properties[8].map { String(decoding: $0, as: UTF8.self) } == "r/one")
            #expect(properties[9].map { String(decoding: $0, as: UTF8.self) } == "one")
            #expect(properties[2] == [0, 0, 0x0e, 0x10])
        }
    }

    @Test func `format raw forwards the properties of an MQTT message`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await self.run(#""topic": "out", "format": "raw""#, broker: broker) { _, script, peer in
            let attributes = Attributes([
                ("content-type", "text/plain"), ("payload_format", "utf-8"), ("response_topic", "r/1"),
                ("correlation_data", "/wA="), ("message_expiry", "60"),
            ])
            script.send([
                ReceivedMessage(subject: "a", body: ByteBuffer(string: "x"), attributes: attributes),
                // No broker would take this as a response topic.
                ReceivedMessage(subject: "a", body: ByteBuffer(string: "y"), attributes: Attributes([("response_topic", "r/#")])),
            ])
            try await eventually { peer.count == 2 }
            let properties = peer.messages[0].properties
            #expect(properties[1] == [1])
            #expect(properties[2] == [0, 0, 0, 60])
            #expect(properties[3].map { String(decoding: $0, as: UTF8.self) } == "text/plain")
            #expect(properties[8].map { String(decoding: $0, as: UTF8.self) } == "r/1")
            #expect(properties[9] == [0xff, 0])
            #expect(peer.messages[1].properties[8] == nil)
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `birth and will are published`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.subscribe("state")
        let rig = try MQTTRig(
            script: ScriptedSource(),
            sink: """
                {"url": "\(self.url(broker.port))", "protocol": "\(version)", "topic": "a", "will": {"topic": "state", "payload": "offline"},
                 "birth": {"topic": "state", "payload": "online"}}
                """)
        try await rig.run { try await eventually { peer.messages.map(\.text) == ["online"] } }
        try await eventually { peer.messages.map(\.text) == ["online", "offline"] }
    }
}
