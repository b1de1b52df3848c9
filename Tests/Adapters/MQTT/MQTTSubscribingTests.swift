import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

/// Which subscriptions the broker gets, and their effects.
@Suite(.timeLimit(.minutes(2)))
struct MQTTSubscribingTests {
    private func source(_ port: Int, _ version: String, _ rest: String) -> String {
        #"{"url": "mqtt://127.0.0.1:\#(port)", "protocol": "\#(version)", \#(rest)}"#
    }

    private func texts(_ recorder: RecordingSink) -> [String] { recorder.bodies.map { String(buffer: $0) } }

    // MARK: Filters that overlap

    @Test(
        arguments: ["3.1.1", "5"],
        [
            #"["a/#", "a/b", "a/+"]"#, #"["a/+", "+/b"]"#, #"[{"topic": "a/#", "qos": 0}, "a/b", {"topic": "+/b", "qos": 0}]"#,
            ##"[{"topic": "a/b", "qos": 0}, "#"]"##,
        ]
    )
    func `each message arrives once`(version: String, filters: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let rig = try MQTTRig(source: self.source(broker.port, version, #""subscribe": \#(filters)"#), into: recorder)
        let bodies = (0..<300).map { ByteBuffer(string: "\($0 / 3)") }
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(bodies, on: "a/b")
            try await peer.publish("last", on: "a/b")
            try await eventually { self.texts(recorder).contains("last") && recorder.count >= 301 }
        }
        #expect(self.texts(recorder).sorted() == (bodies.map { String(buffer: $0) } + ["last"]).sorted())
    }

    @Test func `covered filters are not requested from a broker that sends a copy for each filter`() async throws {
        let broker = try await BrokerProcess.mosquitto("allow_duplicate_messages true")
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: self.source(broker.port, "3.1.1", #""subscribe": ["a/+", "a/b", {"topic": "a/#", "qos": 0}]"#), into: recorder
        )
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish(["x", "x", "y"].map { ByteBuffer(string: $0) }, on: "a/b")
            try await eventually { recorder.count == 3 }
        }
        #expect(self.texts(recorder) == ["x", "x", "y"])
        #expect(recorder.events.allSatisfy { $0.attributes["qos"] == "1" })
    }

    @Test(arguments: ["3.1.1", "5"])
    func `retained messages follow the settings of covered filters too`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        for topic in ["a/ignored", "a/wanted", "b/crossing"] { try await peer.publish(topic, on: topic, retain: true) }
        let recorder = RecordingSink()
        let filters = #"[{"topic": "a/#", "retained": "ignore"}, "a/wanted", "b/+", "+/crossing"]"#
        let rig = try MQTTRig(source: self.source(broker.port, version, #""subscribe": \#(filters)"#), into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            try await peer.publish("last", on: "a/x")
            try await eventually { self.texts(recorder).contains("last") }
        }
        #expect(self.texts(recorder).sorted() == ["a/wanted", "b/crossing", "last"])
    }

    // MARK: Retained messages

    @Test(arguments: ["3.1.1", "5"], ["accept", "first_time"])
    func `a resumed session sends no retained message again`(version: String, retained: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("kept", on: "a", retain: true)
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let json = self.source(proxy.port, version, #""subscribe": {"topic": "a", "retained": "\#(retained)"}"#)
        let first = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await first.run {
            try await eventually { recorder.count == 1 && first.source.status.isConnected }
            // A broker that has not had the acknowledgement sends the message again, and it may count then.
            try await eventually("the answer behind the acknowledgement") { proxy.answered(11) == 1 }
            proxy.cut()
            try await eventually { proxy.connections >= 2 && first.source.status.isConnected }
            try await peer.publish("live", on: "a")
            try await eventually { recorder.count == 2 }
        }
        let second = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await second.run {
            try await eventually { second.source.status.isConnected }
            try await peer.publish("later", on: "a")
            try await eventually { recorder.count == 3 }
        }
        #expect(self.texts(recorder) == ["kept", "live", "later"])
        // MQTT 5 asks each time, in a way that brings none.
        #expect(proxy.sent(8) == (version == "5" ? 3 : 1))
    }

    @Test(arguments: ["3.1.1", "5"])
    func `with first_time a new session brings only what has changed`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("same", on: "a/1", retain: true)
        try await peer.publish("old", on: "a/2", retain: true)
        let recorder = RecordingSink()
        let json = self.source(proxy.port, version, #""subscribe": {"topic": "a/#", "qos": 0, "retained": "first_time"}"#)
        let rig = try MQTTRig(source: json, into: recorder)
        try await rig.run {
            try await eventually { recorder.count == 2 }
            try await peer.publish("seen live", on: "a/3", retain: true)
            try await eventually { recorder.count == 3 }
            proxy.refuse()
            proxy.cut()
            try await eventually { !rig.source.status.isConnected }
            try await peer.publish("new", on: "a/2", retain: true)
            proxy.forward()
            try await eventually { rig.source.status.isConnected && self.texts(recorder).contains("new") }
            try await peer.publish("last", on: "a/4")
            try await eventually { self.texts(recorder).contains("last") }
        }
        #expect(self.texts(recorder).sorted() == ["last", "new", "old", "same", "seen live"])
        #expect(rig.metrics.render().contains("mqtt_retained_ignored"))
    }

    // MARK: Sessions

    @Test(arguments: ["3.1.1", "5"])
    func `a removed filter is unsubscribed, and a new one subscribed`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let first = try MQTTRig(
            source: self.source(broker.port, version, #""subscribe": ["old", "kept"]"#), into: recorder, cursors: cursors)
        try await first.run { try await eventually { first.source.status.isConnected } }
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("while away", on: "kept")
        let second = try MQTTRig(
            source: self.source(broker.port, version, #""subscribe": ["kept", "new"]"#), into: recorder, cursors: cursors)
        try await second.run {
            try await eventually { second.source.status.isConnected }
            try await eventually("it is remembered") { cursors.cursor(of: "in")?.contains("old") == false }
            try await peer.publish("not wanted", on: "old")
            try await peer.publish("wanted", on: "new")
            try await eventually { recorder.count == 2 }
        }
        #expect(self.texts(recorder) == ["while away", "wanted"])
    }

    /// Leaves a session without subscriptions at the broker.
    private func emptySession(_ clientID: String, _ port: Int) async throws {
        for isClean in [true, false] {
            var options = MQTTPeer.Options()
            options.clientID = clientID
            options.cleanSession = isClean
            let peer = try await MQTTPeer.connect(port: port, options)
            try await peer.disconnect()
            try await eventually { peer.ending != nil }
        }
    }

    @Test func `a broker that has lost subscriptions and kept the session gets them again`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let json = self.source(broker.port, "5", #""subscribe": "a""#)
        let first = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await first.run { try await eventually { first.source.status.isConnected } }
        try await self.emptySession("test-in-source", broker.port)
        let second = try MQTTRig(source: json, into: recorder, cursors: cursors)
        try await second.run {
            try await eventually { second.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish("x", on: "a")
            try await eventually { recorder.count == 1 }
        }
    }

    @Test func `stored state of one session does not affect another`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let first = try MQTTRig(
            source: self.source(broker.port, "3.1.1", #""subscribe": "a""#), into: recorder, cursors: cursors)
        try await first.run { try await eventually { first.source.status.isConnected } }
        try await self.emptySession("other", broker.port)
        let second = try MQTTRig(
            source: self.source(broker.port, "3.1.1", #""subscribe": "a", "client_id": "other""#), into: recorder,
            cursors: cursors)
        try await second.run {
            try await eventually { second.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish("x", on: "a")
            try await eventually { recorder.count == 1 }
        }
    }

    @Test func `state stored by version 0·1 still ends old subscriptions`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let recorder = RecordingSink()
        let cursors = MemoryCursorStore()
        let first = try MQTTRig(source: self.source(broker.port, "5", #""subscribe": ["old", "kept"]"#), into: recorder)
        try await first.run { try await eventually { first.source.status.isConnected } }
        try cursors.move("old\nkept", of: "in")
        let second = try MQTTRig(
            source: self.source(broker.port, "5", #""subscribe": "kept""#), into: recorder, cursors: cursors)
        try await second.run {
            try await eventually { second.source.status.isConnected }
            try await eventually("it is remembered") { cursors.cursor(of: "in")?.contains("old") == false }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish("not wanted", on: "old")
            try await peer.publish("wanted", on: "kept")
            try await eventually { recorder.count > 0 }
        }
        #expect(self.texts(recorder) == ["wanted"])
    }
}
