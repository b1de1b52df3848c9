import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

/// The tools of routes between a real broker and a real Redis, across a kill.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RouteToolsTests {
    /// - Parameter night: quiet hours that the test runs in.
    private static func yaml(mqtt: Int, redis: Int, night: (from: String, to: String)) -> String {
        """
        log: { kind: sqlite, path: "{directory}/events.db" }
        sources:
          home:
            type: mqtt
            url: mqtt://127.0.0.1:\(mqtt)
            client_id: tools
            subscribe: { topic: "home/#", qos: 1 }
        sinks:
          throttled: { type: file, path: "{directory}/throttled" }
          changed: { type: file, path: "{directory}/changed" }
          sampled: { type: file, path: "{directory}/sampled" }
          phone: { type: file, path: "{directory}/phone" }
          alarms: { type: file, path: "{directory}/alarms" }
          digests: { type: redis-stream, url: "redis://127.0.0.1:\(redis)", stream: digests }
        routes:
          - name: throttled
            match: { subject: home/door }
            throttle: { max: 2, per: 1h, key: "{{ .payload.door }}", bypass: { priority: { gte: 4 } } }
            to: throttled
          - { name: changed, match: { subject: home/door }, changed: { of: "{{ .payload.state }}", key: "{{ .payload.door }}" }, to: changed }
          - { name: sampled, match: { subject: home/door }, sample: { one_in: 3 }, to: sampled }
          - name: night
            match: { subject: home/door }
            quiet_hours: { from: "\(night.from)", to: "\(night.to)", zone: UTC, except: { priority: { gte: 4 } } }
            to: phone
          - { name: digests, match: { subject: home/log }, digest: { window: 8s }, to: digests }
          - { name: heart, match: { subject: home/heart }, expect: { every: 1s }, to: alarms }
        """
    }

    /// The hours from one before now to two after it, in UTC.
    private static func night() -> (from: String, to: String) {
        let minutes = Int(Date().timeIntervalSince1970) / 60 % 1440
        func text(_ minutes: Int) -> String {
            let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
            return "\(two((minutes + 1440) % 1440 / 60)):\(two((minutes + 1440) % 60))"
        }
        return (text(minutes - 60), text(minutes + 120))
    }

    /// The events of a file; one that was delivered twice, because of the kill, is there once.
    private static func events(_ bridge: BridgeProcess, _ file: String) throws -> [ReceivedEvent] {
        var ids: Set<String> = []
        return try ReceivedEvent.all(bridge.lines(of: file)).filter { ids.insert($0.id).inserted }
    }

    private static func messages(_ bridge: BridgeProcess, _ file: String) throws -> [String] {
        try self.events(bridge, file).map(\.message)
    }

    @Test func `tools shape the flow of a broker, and go on after a kill`() async throws {
        let mosquitto = try await BrokerProcess.mosquitto()
        let redis = try await BrokerProcess.redis()
        let yaml = Self.yaml(mqtt: mosquitto.port, redis: redis.port, night: Self.night())
        let first = try await BridgeProcess.start(yaml)
        let peer = try await MQTTPeer.connect(port: mosquitto.port)
        func door(_ number: Int, _ state: String, priority: Int = 3) async throws {
            let payload = #"{"door":"front","state":"\#(state)"}"#
            try await peer.publish(
                #"{"id":"d\#(number)","title":"Door","message":"m\#(number)","priority":\#(priority),"payload":\#(payload)}"#,
                on: "home/door")
        }
        for (number, state) in ["open", "open", "closed", "closed", "open"].enumerated() { try await door(number + 1, state) }
        try await peer.publish("one", on: "home/log")
        try await peer.publish("two", on: "home/log")
        try await eventually("all are taken") {
            let digested = try await first.metric("streambridge_route_events_digested_total")
            let held = try await first.metric("streambridge_route_held", #"route="night""#)
            return digested == 2 && held == 5
        }
        try await eventually("they are written") {
            let file = first.directory.file("events.db")
            let digests = "SELECT count(*) FROM flow_states WHERE tool = \"digest\""
            return try SQLiteShell.query("SELECT count(*) FROM held_events", in: file) == "5"
                && SQLiteShell.query(digests, in: file) == "1"
        }
        #expect(try await first.metric("streambridge_route_events_dropped_total", #"reason="throttle""#) == 3)
        try await eventually("what passes has arrived") {
            try Self.messages(first, "throttled") == ["m1", "m2"] && Self.messages(first, "changed") == ["m1", "m3", "m5"]
                && Self.messages(first, "sampled") == ["m1", "m4"]
        }
        try await eventually("silence is noticed") { first.lines(of: "alarms").count == 1 }
        first.process.kill()
        _ = try await first.process.untilEnded()

        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        #expect(try await second.metric("streambridge_route_held", #"route="night""#) == 5)
        try await door(6, "open")
        try await door(7, "open", priority: 5)
        try await peer.publish("beat", on: "home/heart")
        try await eventually("the urgent one passes, and the silence ends") {
            try Self.messages(second, "phone") == ["m7"] && Self.events(second, "alarms").count >= 2
        }
        try await eventually("the state of the first run decides") {
            try Self.messages(second, "throttled") == ["m1", "m2", "m7"]
                && Self.messages(second, "sampled") == ["m1", "m4", "m7"]
        }
        #expect(try Self.messages(second, "changed") == ["m1", "m3", "m5"])
        let alarms = try Self.events(second, "alarms")
        #expect(alarms.prefix(2).map(\.title) == ["heart is missing", "heart is back"])
        let reader = try await RedisPeer.connect(port: redis.port)
        try await eventually("the digest passes") { try await !reader.entries(of: "digests").isEmpty }
        let entries = try await reader.entries(of: "digests")
        let digest = entries.flatMap(\.fields).map { String(buffer: $0) }.joined(separator: "\n")
        #expect(entries.count == 1)
        #expect(digest.contains("one") && digest.contains("two"))
        #expect(try await second.stop() == .exited(0))
    }
}
