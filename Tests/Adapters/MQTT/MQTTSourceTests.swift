import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

@Suite(.timeLimit(.minutes(2)))
struct MQTTSourceTests {
    func url(_ port: Int) -> String { "mqtt://127.0.0.1:\(port)" }

    func bodies(_ range: Range<Int>) -> [ByteBuffer] { range.map { ByteBuffer(string: "message \($0)") } }

    @Test(arguments: ["3.1.1", "5"], [0, 1])
    func `messages with any bytes arrive in order`(version: String, qos: Int) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: """
                {"url": "\(self.url(broker.port))", "protocol": "\(version)", "subscribe": {"topic": "home/+", "qos": \(qos)}}
                """, into: recorder)
        var bodies = self.bodies(0..<500)
        bodies.append(ByteBuffer())
        bodies.append(ByteBuffer(bytes: UInt8.min...UInt8.max))
        bodies.append(ByteBuffer(repeating: 0x61, count: 1 << 20))
        let left = try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(bodies, on: "home/door", qos: UInt8(qos))
            try await eventually { recorder.count == bodies.count }
        }
        #expect(left == 0)
        #expect(recorder.bodies == bodies)
        let event = try #require(recorder.events.first)
        #expect(event.subject == "home/door")
        #expect(event.attributes["qos"] == "\(qos)")
        #expect(event.attributes["retained"] == "false")
    }

    @Test func `user properties become attributes and the idempotency key the upstream id`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let rig = try MQTTRig(source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            var options = MQTTPeer.Options()
            options.version = 5
            let peer = try await MQTTPeer.connect(port: broker.port, options)
            try await peer.publish(
                [ByteBuffer(string: "x")], on: "a",
                userProperties: [("Room", "kitchen"), ("room", "hall"), ("idempotency-key", "order-17")]
            )
            try await eventually { recorder.count == 1 }
        }
        let event = try #require(recorder.events.first)
        #expect(event.attributes.elements.filter { $0.name == "room" }.map(\.value) == ["kitchen", "hall"])
        #expect(event.id == "order-17")
    }

    @Test func `properties of MQTT 5 become attributes`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let rig = try MQTTRig(source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            var options = MQTTPeer.Options()
            options.version = 5
            let peer = try await MQTTPeer.connect(port: broker.port, options)
            let properties: [UInt8] =
                [1, 1, 2, 0, 0, 0x0e, 0x10] + [3, 0, 10] + Array("text/plain".utf8) + [8, 0, 3] + Array("r/1".utf8)
                + [9, 0, 2, 0xff, 0]
            try await peer.publish([ByteBuffer(string: "x")], on: "a", properties: properties)
            try await eventually { recorder.count == 1 }
        }
        let event = try #require(recorder.events.first)
        #expect(event.attributes["payload_format"] == "utf-8")
        #expect(event.attributes["message_expiry"] == "3600")
        #expect(event.attributes["content-type"] == "text/plain")
        #expect(event.attributes["response_topic"] == "r/1")
        #expect(event.attributes["correlation_data"] == "/wA=")
    }

    @Test(arguments: ["3.1.1", "5"])
    func `nothing is acknowledged before the sink has confirmed`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        recorder.hold()
        let rig = try MQTTRig(
            source: """
                {"url": "\(self.url(proxy.port))", "protocol": "\(version)", "subscribe": ["a", {"topic": "b", "qos": 0}]}
                """, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(self.bodies(0..<5), on: "a")
            try await eventually { recorder.count >= 1 }
            // A message that needs no acknowledgement shows that the loop has turned since.
            let before = try #require(rig.receivedCount)
            try await peer.publish("later", on: "b", qos: 0)
            try await eventually { rig.receivedCount! > before }
            #expect(proxy.sent(4) == 0)
            recorder.hold(false)
            try await eventually("five PUBACKs") { proxy.sent(4) == 5 }
        }
        #expect(recorder.count == 6)
    }

    @Test(arguments: ["3.1.1", "5"])
    func `messages unconfirmed at a lost connection are sent again`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        recorder.hold()
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(proxy.port))", "protocol": "\#(version)", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(self.bodies(0..<10), on: "a")
            try await eventually { rig.receivedCount == 10 }
            proxy.cut()
            try await eventually { proxy.connections >= 2 }
            try await eventually("the same messages again") { rig.receivedCount == 20 }
            #expect(proxy.sent(4) == 0)
            recorder.hold(false)
            try await eventually { proxy.sent(4) == 10 }
        }
        // What the log has already is not taken again.
        #expect(recorder.bodies == self.bodies(0..<10))
        #expect(recorder.gaps.isEmpty)
    }

    @Test func `nothing is missing after the broker was killed and started again`() async throws {
        let broker = try await BrokerProcess.mosquitto("persistence true", "autosave_on_changes true", "autosave_interval 1")
        let recorder = RecordingSink()
        let rig = try MQTTRig(source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            recorder.hold()
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(self.bodies(0..<100), on: "a")
            try await eventually("the broker has written the last message") {
                // It saves after every second change.
                try await peer.publish("another change", on: "elsewhere", retain: true)
                return broker.directory.read("mosquitto.db").contains(sequence: Array("message 99".utf8))
            }
            try await broker.kill()
            try await eventually { !rig.source.status.isConnected }
            try await broker.restart()
            recorder.hold(false)
            try await eventually { Set(recorder.bodies.map { String(buffer: $0) }).count == 100 }
        }
    }

    /// Packets of a broker of MQTT 3.1.1.
    func connack(isSessionPresent: Bool) -> [UInt8] { [0x20, 2, isSessionPresent ? 1 : 0, 0] }
    let suback: [UInt8] = [0x90, 3, 0, 0, 1]
    let unsuback: [UInt8] = [0xb0, 2, 0, 0]

    func publish(_ text: String, _ packet: UInt8, isRepeated: Bool = false) -> [UInt8] {
        [isRepeated ? 0x3a : 0x32, UInt8(5 + text.utf8.count), 0, 1, UInt8(ascii: "a"), 0, packet] + Array(text.utf8)
    }

    func scripted(_ broker: ScriptedBroker, into recorder: RecordingSink) throws -> MQTTRig {
        try MQTTRig(
            source: #"{"url": "\#(self.url(broker.port))", "protocol": "3.1.1", "subscribe": "a"}"#, into: recorder)
    }

    func texts(_ recorder: RecordingSink) -> [String] { recorder.bodies.map { String(buffer: $0) } }

    @Test func `a broker that gives the same identifier to the next message loses none`() async throws {
        let broker = try ScriptedBroker([
            1: self.connack(isSessionPresent: false), 8: self.suback + self.publish("pressed", 1), 10: self.unsuback,
        ])
        let recorder = RecordingSink()
        let rig = try self.scripted(broker, into: recorder)
        try await rig.run {
            try await eventually("it is acknowledged") { recorder.count == 1 && broker.received(4) == 1 }
            // The first transmission reached no client.
            broker.answer([1: self.connack(isSessionPresent: true) + self.publish("pressed", 1, isRepeated: true)])
            try await eventually { self.texts(recorder) == ["pressed", "pressed"] }
        }
    }

    @Test func `a redelivery of a counting broker is dropped, unless it is of a new session`() async throws {
        func session(_ text: String) -> [UInt8: [UInt8]] {
            [
                1: self.connack(isSessionPresent: false), 8: self.suback + self.publish(text, 1),
                10: self.unsuback + self.publish("second", 2),
            ]
        }
        let broker = try ScriptedBroker(session("on"))
        let recorder = RecordingSink()
        let rig = try self.scripted(broker, into: recorder)
        try await rig.run {
            try await eventually("both are acknowledged") { recorder.count == 2 && broker.received(4) == 2 }
            let repeated = self.publish("on", 1, isRepeated: true)
            broker.answer([1: self.connack(isSessionPresent: true) + repeated + self.publish("end", 3)])
            try await eventually { self.texts(recorder) == ["on", "second", "end"] && broker.received(4) == 2 }
            broker.answer(session("off"))
            try await eventually { self.texts(recorder).count == 5 && broker.received(4) == 2 }
            broker.answer([1: self.connack(isSessionPresent: true) + repeated])
            try await eventually { self.texts(recorder) == ["on", "second", "end", "off", "second", "on"] }
        }
    }

    @Test func `the session keeps messages that arrive while the source is disconnected`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let json = #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#
        let first = try MQTTRig(source: json, into: recorder)
        try await first.run { try await eventually { first.source.status.isConnected } }
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish(self.bodies(0..<50), on: "a")
        let second = try MQTTRig(source: json, into: recorder)
        try await second.run { try await eventually { recorder.count == 50 } }
        #expect(recorder.bodies == self.bodies(0..<50))
    }

    @Test func `a backlog of several windows comes without a pause`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let json = #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#
        let first = try MQTTRig(source: json, into: recorder)
        try await first.run { try await eventually { first.source.status.isConnected } }
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish(self.bodies(0..<2000), on: "a")
        let second = try MQTTRig(source: json, into: recorder)
        // A step that waits without a result ends after ten seconds at most.
        try await second.run { try await eventually(within: .seconds(9)) { recorder.count == 2000 } }
        #expect(recorder.bodies == self.bodies(0..<2000))
    }

    @Test(arguments: ["3.1.1", "5"])
    func `retained messages are accepted or ignored as configured`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("kept", on: "accept/a", retain: true)
        try await peer.publish("ignored", on: "ignore/a", retain: true)
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: """
                {"url": "\(self.url(broker.port))", "protocol": "\(version)",
                 "subscribe": ["accept/#", {"topic": "ignore/#", "retained": "ignore"}]}
                """, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            try await peer.publish("live", on: "ignore/a", retain: true)
            try await eventually { recorder.count == 2 }
        }
        #expect(recorder.events.map { $0.attributes["retained"] } == ["true", "false"])
        #expect(recorder.bodies.map { String(buffer: $0) } == ["kept", "live"])
    }

    @Test func `a shared subscription delivers each message to one of its group`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let other = RecordingSink()
        func json(_ id: String) -> String {
            #"{"url": "\#(self.url(broker.port))", "client_id": "\#(id)", "subscribe": {"topic": "a/#", "share": "group"}}"#
        }
        let first = try MQTTRig(source: json("one"), into: recorder)
        let second = try MQTTRig(source: json("two"), into: other)
        try await first.run {
            try await second.run {
                try await eventually { first.source.status.isConnected && second.source.status.isConnected }
                let peer = try await MQTTPeer.connect(port: broker.port)
                try await peer.publish(self.bodies(0..<40), on: "a/b")
                try await eventually { recorder.count + other.count == 40 }
            }
        }
        let all = (recorder.bodies + other.bodies).map { String(buffer: $0) }
        #expect(Set(all) == Set((0..<40).map { "message \($0)" }))
        #expect(recorder.count > 0 && other.count > 0)
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a member of a group that vanishes and returns loses and repeats nothing`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        let other = RecordingSink()
        func json(_ id: String, _ port: Int) -> String {
            """
            {"url": "\(self.url(port))", "protocol": "\(version)", "client_id": "\(id)",
             "subscribe": {"topic": "a/#", "share": "group"}}
            """
        }
        let first = try MQTTRig(source: json("one", proxy.port), into: recorder)
        let second = try MQTTRig(source: json("two", broker.port), into: other)
        recorder.hold()
        try await first.run {
            try await second.run {
                try await eventually { first.source.status.isConnected && second.source.status.isConnected }
                let peer = try await MQTTPeer.connect(port: broker.port)
                try await peer.publish(self.bodies(0..<200), on: "a/b")
                // The broker of MQTT 3.1.1 allows twenty unacknowledged messages, that of MQTT 5 as many as we ask for.
                let window = version == "5" ? 100 : 20
                try await eventually { first.receivedCount == window && other.count == 100 }
                proxy.refuse()
                proxy.cut()
                try await eventually { !first.source.status.isConnected }
                try await peer.publish(self.bodies(200..<400), on: "a/b")
                proxy.forward()
                recorder.hold(false)
                try await eventually { recorder.count + other.count >= 400 }
            }
        }
        let all = (recorder.bodies + other.bodies).map { String(buffer: $0) }
        #expect(all.sorted() == (0..<400).map { "message \($0)" }.sorted())
    }

    @Test func `a full buffer stops the reading and loses nothing`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        recorder.close()
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#, into: recorder, ack: .received,
            buffer: DeliverySettings(events: 10, onFull: .block))
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(self.bodies(0..<2000), on: "a")
            #expect(rig.receivedCount! < 1000)
            recorder.close(false)
            try await eventually { recorder.count == 2000 }
        }
        #expect(recorder.bodies == self.bodies(0..<2000))
    }

    @Test func `a paused source keeps the connection`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        recorder.close()
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(proxy.port))", "subscribe": "a", "keep_alive": "5s"}"#, into: recorder, ack: .received,
            buffer: DeliverySettings(events: 10, onFull: .block))
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(self.bodies(0..<1000), on: "a")
            // The broker gives up on a client that says nothing for 7.5 s.
            try await eventually("four signs of life") { proxy.sent(12) >= 4 }
            recorder.close(false)
            try await eventually { recorder.count == 1000 }
            #expect(proxy.connections == 1)
        }
    }

    @Test func `a lost connection at qos 0 is reported as a gap`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(proxy.port))", "subscribe": {"topic": "a", "qos": 0}}"#, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            proxy.cut()
            try await eventually { recorder.gaps.count == 1 }
        }
        let text = try #require(recorder.gaps.first?.message)
        #expect(text.contains("the connection to \(self.url(proxy.port)) was lost for"))
        #expect(text.contains("the broker kept no session"))
    }

    @Test func `messages published while the program is off are a gap, unless the broker keeps them`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        for (qos, keeps) in [(0, false), (1, true)] {
            let cursors = MemoryCursorStore()
            let json =
                #"{"url": "\#(self.url(broker.port))", "client_id": "c\#(qos)", "session_expiry": "1h", "#
                + #""subscribe": {"topic": "a", "qos": \#(qos)}}"#
            for isFirst in [true, false] {
                let recorder = RecordingSink()
                let rig = try MQTTRig(source: json, into: recorder, cursors: cursors)
                try await rig.run {
                    try await eventually { rig.source.status.isConnected }
                    if !isFirst, !keeps { try await eventually { recorder.gaps.count == 1 } }
                }
                #expect(recorder.gaps.count == (isFirst || keeps ? 0 : 1))
                let text = recorder.gaps.first?.message
                #expect(text.map { $0.contains("streambridge was not connected to \(self.url(broker.port)) for ") } != false)
                #expect(text.map { $0.hasSuffix("across a restart, and the broker stores no messages of qos 0") } != false)
            }
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `once a message has come at qos 0, a lost connection and a restart are reported as gaps`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let json = #"{"url": "\#(self.url(proxy.port))", "protocol": "\#(version)", "subscribe": "a"}"#
        let peer = try await MQTTPeer.connect(port: broker.port)
        let first = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await first.run {
            try await eventually { first.source.status.isConnected }
            try await peer.publish("kept by the session", on: "a")
            try await eventually { recorder.count == 1 }
            proxy.cut()
            try await eventually { proxy.connections >= 2 && first.source.status.isConnected }
            #expect(recorder.gaps.isEmpty)
            try await peer.publish("not kept", on: "a", qos: 0)
            // The first message may be redelivered: the connection may have been lost before its acknowledgement.
            try await eventually { self.texts(recorder).contains("not kept") }
            proxy.cut()
            try await eventually { recorder.gaps.count == 1 }
        }
        let second = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await second.run { try await eventually { recorder.gaps.count == 2 } }
        #expect(recorder.gaps.allSatisfy { $0.message.hasSuffix("the broker stores no messages of qos 0") })
        #expect(recorder.gaps.last?.message.contains("across a restart") == true)
    }

    @Test func `a subscription granted only with qos 0 makes a lost connection a gap`() async throws {
        let broker = try ScriptedBroker([1: [0x20, 2, 1, 0], 8: [0x90, 3, 0, 0, 0]])
        let recorder = RecordingSink()
        let rig = try self.scripted(broker, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            broker.answer([1: [0x20, 2, 1, 0], 8: [0x90, 3, 0, 0, 0]])
            try await eventually { recorder.gaps.count == 1 }
        }
    }

    @Test func `with retain as_published live messages carry the retain flag, and a sink forwards it`() async throws {
        let (home, mirror) = (try await BrokerProcess.mosquitto(), try await BrokerProcess.mosquitto())
        let peer = try await MQTTPeer.connect(port: home.port)
        try await peer.publish("stored", on: "a/1", retain: true)
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: mqtt, url: "\(self.url(home.port))", subscribe: { topic: a/#, retain: as_published } }
            sinks:
              out: { type: mqtt, url: "\(self.url(mirror.port))", topic: "copy/{{ $subject }}", keep_slashes: true, format: raw, retain: as_published }
            routes:
              - { from: [in], to: [out] }
            """)
        let live = try await MQTTPeer.connect(port: mirror.port)
        try await live.subscribe("copy/#")
        try await peer.publish("live and retained", on: "a/2", retain: true)
        try await peer.publish("live only", on: "a/3")
        try await eventually { live.messages.contains { $0.text == "live only" } }
        let late = try await MQTTPeer.connect(port: mirror.port)
        try await late.subscribe("copy/#")
        try await eventually { late.count == 2 }
        #expect(Set(late.messages.map(\.text)) == ["stored", "live and retained"])
        #expect(late.messages.allSatisfy { $0.retain })
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: ["3.1.1", "5"])
    func `birth is published at each connect, the will at a loss and at the end`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.subscribe("state")
        let rig = try MQTTRig(
            source: """
                {"url": "\(self.url(proxy.port))", "protocol": "\(version)", "subscribe": "a",
                 "will": {"topic": "state", "payload": "offline"}, "birth": {"topic": "state", "payload": "online", "qos": 0}}
                """, into: RecordingSink())
        try await rig.run {
            try await eventually { peer.messages.map(\.text) == ["online"] }
            proxy.cut()
            try await eventually { peer.messages.map(\.text) == ["online", "offline", "online"] }
        }
        try await eventually { peer.messages.map(\.text) == ["online", "offline", "online", "offline"] }
        #expect(peer.messages.map(\.qos) == [0, 1, 0, 1])
        let late = try await MQTTPeer.connect(port: broker.port)
        try await late.subscribe("state")
        try await eventually { late.messages.map(\.text) == ["offline"] }
        #expect(late.messages[0].retain)
    }

}

extension Array where Element: Equatable {
    /// Whether the elements occur next to each other.
    func contains(sequence: [Element]) -> Bool {
        guard let first = sequence.first, self.count >= sequence.count else { return sequence.isEmpty }
        return self.indices.dropLast(sequence.count - 1).contains {
            self[$0] == first && self[$0..<($0 + sequence.count)].elementsEqual(sequence)
        }
    }
}
