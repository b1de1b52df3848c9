import BridgeTesting
import NIOCore
import Testing

/// Two programs that share the work of one MQTT group, of which one is killed.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct GroupTests {
    private func yaml(_ id: String, _ version: String, broker: Int) -> String {
        """
        log: { kind: sqlite }
        sources:
          in:
            type: mqtt
            url: mqtt://127.0.0.1:\(broker)
            protocol: "\(version)"
            client_id: \(id)
            subscribe: { topic: "orders/#", share: workers }
        sinks:
          out: { type: file, path: "{directory}/out" }
        routes:
          - { to: out }
        """
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a killed member of a group loses and repeats nothing`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        let kept = try await BridgeProcess.start(self.yaml("one", version, broker: broker.port))
        var killed = try await BridgeProcess.start(self.yaml("two", version, broker: broker.port))
        // Lost acknowledgements are recognised only once the broker has shown how it counts.
        var firsts = 0
        for member in [kept, killed] {
            let query = "SELECT cursor FROM cursors WHERE source = \"in\""
            try await eventually("the member knows how the broker counts") {
                try await peer.publish("first \(firsts)", on: "orders/first")
                firsts += 1
                return try SQLiteShell.query(query, in: member.directory.file("events.db")).contains(" counting")
            }
        }
        let total = 3000
        var sent = 0
        for round in 0..<3 {
            let first = sent
            async let published: Void = peer.publish(
                (first..<(first + 1000)).map { ByteBuffer(string: "order \($0)") }, on: "orders/new")
            let directory = killed.directory
            let before = killed.lines(of: "out").count
            try await eventually("round \(round) has begun") { killed.lines(of: "out").count > before + 20 }
            killed.process.kill()
            _ = try await killed.process.untilEnded()
            try await published
            sent += 1000
            killed = try await BridgeProcess.start(self.yaml("two", version, broker: broker.port), directory: directory)
        }
        let last = killed
        func events() throws -> [ReceivedEvent] { try ReceivedEvent.all(kept.lines(of: "out") + last.lines(of: "out")) }
        let expected = Set((0..<firsts).map { "first \($0)" } + (0..<total).map { "order \($0)" })
        // Read while a line is being written, the last one may be half of itself.
        try await eventually("all orders") { (try? events()).map { Set($0.map(\.message)).count } == expected.count }
        #expect(try await kept.stop() == .exited(0))
        #expect(try await last.stop() == .exited(0))
        #expect(kept.lines(of: "out").count > 0)
        // A line may occur twice in the file of the killed one, but it is the same event: taken from the broker once.
        let all = try events()
        #expect(Set(all.map(\.id)).count == expected.count)
        #expect(Set(all.map(\.message)) == expected)
    }
}
