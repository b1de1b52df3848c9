import BridgeTesting
import Glibc
import Testing

/// That the observer sees what it is there for: a program that is stopped, ends, grows, or keeps descriptors.
@Suite(.timeLimit(.minutes(2)))
struct AttackMeansTests {
    @Test func `a program that is stopped for a while answers too late`() async throws {
        let stage = AttackStage()
        let bridge = try await stage.start()
        bridge.process.signal(SIGSTOP)
        _ = await holds(within: .seconds(1)) { false }
        bridge.process.signal(SIGCONT)
        let outcome = await stage.finish()
        #expect(outcome.complaints.contains { $0.hasPrefix("/livez took") }, "\(outcome.complaints)")
    }

    @Test func `a killed program has ended`() async throws {
        let stage = AttackStage()
        let bridge = try await stage.start()
        bridge.process.kill()
        let outcome = await stage.finish()
        #expect(outcome.complaints.contains("the program ended with signal 9"), "\(outcome.complaints)")
    }

    @Test func `a program that grows, and keeps descriptors, is noticed`() async throws {
        let stage = AttackStage()
        // What is posted is kept, because the receiver takes nothing.
        let receiver = try HostilePeer { socket, _ in _ = socket.receive() }
        let bridge = try await stage.start(
            sources: ["in: { type: webhook, id: in, max_body: 16MiB, ack: received }"],
            sinks: ["out: { type: webhook, url: 'http://127.0.0.1:\(receiver.port)/', buffer: { bytes: 256MiB } }"],
            routes: ["{ from: [in], to: [out] }"]
        )
        let readers = try await withThrowingTaskGroup(of: SSEClientPeer.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    try await SSEClientPeer.connect(
                        port: bridge.port, path: "/api/stream/honest", headers: [("Authorization", "Bearer honest")])
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for _ in 0..<16 {
            let port = bridge.port
            try await OwnThread.run {
                let socket = try AttackSocket(port: port)
                let body = [UInt8](repeating: 120, count: 8 << 20)
                socket.send(
                    "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: \(body.count)\r\n\r\n")
                socket.send(body)
                _ = socket.answer()
            }
        }
        let outcome = await stage.finish()
        #expect(outcome.complaints.contains { $0.hasPrefix("memory rose") }, "\(outcome.complaints)")
        #expect(outcome.complaints.contains { $0.hasPrefix("descriptors rose") }, "\(outcome.complaints)")
        withExtendedLifetime(readers) {}
    }
}
