import BridgeTesting
import NIOCore
import Synchronization
import Testing

/// SIGTERM while events flow.
@Suite(.timeLimit(.minutes(5)))
struct ShutdownTests {
    @Test func `every webhook that was answered is delivered`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: load }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { from: [in], to: [out] }
            """
        )
        let load = Load()
        try await withThrowingTaskGroup { group in
            for sender in 0..<8 {
                group.addTask {
                    var number = 0
                    while !load.isOver.load(ordering: .relaxed) {
                        number += 1
                        let text = "\(sender) \(number)"
                        // A refused connection or a cut answer promises nothing.
                        let answer = try? await bridge.post("/n/load", ByteBuffer(string: text), type: "text/plain")
                        if answer?.status == 201 { load.accepted.withLock { _ = $0.insert(text) } }
                    }
                }
            }
            try await eventually("some hundred are accepted") { load.accepted.withLock { $0.count } > 300 }
            let ending = try await bridge.stop()
            load.isOver.store(true, ordering: .relaxed)
            #expect(ending == .exited(0))
            try await group.waitForAll()
        }
        let delivered = try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message)
        let missing = load.accepted.withLock { $0 }.subtracting(delivered)
        #expect(missing.isEmpty)
        #expect(Set(delivered).count == delivered.count, "none is delivered twice")
        #expect(bridge.process.standardError.contains("Stopped"))
    }

    @Test func `messages that a broker still has arrive after the next start`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let yaml = """
            sources:
              in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", client_id: bridge-in, subscribe: [{ topic: in, qos: 1 }] }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { from: [in], to: [out] }
            """
        let first = try await BridgeProcess.start(yaml)
        let bodies = (0..<20_000).map { ByteBuffer(string: "number \($0)") }
        let publisher = try await MQTTPeer.connect(port: broker.port)
        async let published: Void = publisher.publish(bodies, on: "in")
        try await eventually("some have arrived") { first.lines(of: "out").count > 500 }
        #expect(try await first.stop() == .exited(0))
        try await published
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        var events: [ReceivedEvent] = []
        try await eventually(within: .seconds(60), "all have arrived, not \(events.count)") {
            events = try ReceivedEvent.all(second.lines(of: "out"))
            return events.count >= bodies.count
        }
        #expect(Set(events.map(\.message)) == Set(bodies.map { String(buffer: $0) }))
        #expect(events.count == bodies.count, "an orderly stop acknowledges what it has delivered")
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `events that cannot be delivered in time cause exit code 1`() async throws {
        let receiver = try await HTTPPeer.start()
        receiver.answer(with: .init(503))
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: load, ack: received }
            sinks:
              out: { type: webhook, url: "\(receiver.url())" }
            routes:
              - { from: [in], to: [out] }
            """,
            drain: "300ms", waitingForReadiness: false
        )
        try await eventually("the source accepts") {
            try await bridge.post("/n/load", ByteBuffer(string: "hello"), type: "text/plain").status == 201
        }
        try await eventually("it was tried") { receiver.count > 0 }
        #expect(try await bridge.stop() == .exited(1))
        #expect(bridge.process.standardError.contains("undelivered=1"))
    }

    /// What the senders share.
    private final class Load: Sendable {
        let accepted = Mutex<Set<String>>([])
        let isOver = Atomic<Bool>(false)
    }
}
