import BridgeTesting
import Glibc
import NIOCore

extension SecurityCheck {
    /// What happens when the kernel has nothing left to give.
    static let descriptors = [
        SecurityCheck("without free descriptors the program waits, serves whom it has, and recovers") { stage in
            let receiver = try await HTTPPeer.start()
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in, ack: received }"],
                sinks: ["out: { type: sse, stream: out }", "hook: { type: webhook, url: '\(receiver.url())' }"],
                routes: ["{ from: [in], to: [out, hook] }"],
                wrapper: ["prlimit", "--nofile=200:200"], answersNewConnections: false
            )
            let pid = bridge.process.pid
            let port = bridge.port
            let sockets = try await OwnThread.run {
                try (0..<400).map { _ in
                    let socket = try AttackSocket(port: port, patience: .milliseconds(100))
                    socket.send("GET /api/stream/out HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    return socket
                }
            }
            // Idle but for honest events: it must not spin in `accept`.
            let (ticks, start) = (ProcessFigures.ticks(pid: pid), ContinuousClock.now)
            for _ in 0..<10 { await stage.settle() }
            let share = Double(ProcessFigures.ticks(pid: pid) - ticks) / 100 / (start.duration(to: .now) / .seconds(1))
            stage.expect(share < 0.7, "it used \(Int(share * 100)) % of a core while it had no descriptors")
            stage.expect(
                bridge.log.split(separator: "\n").count < 200, "\(bridge.log.split(separator: "\n").count) lines were logged")
            for socket in sockets { socket.shutDown() }
            let isBack = await holds(within: .seconds(15)) {
                (try? AttackSocket(port: port)).flatMap { socket in
                    socket.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return socket.answer()?.status == 200
                } ?? false
            }
            stage.expect(isBack, "it accepts nobody 15 s after the others have gone")
            let before = receiver.count
            for _ in 0..<5 { _ = try? await bridge.post("/n/in", .init(string: "x"), type: "text/plain") }
            let delivers = await holds(within: .seconds(15)) { receiver.count >= before + 5 }
            stage.expect(delivers, "the webhook sink delivered \(receiver.count - before) of 5 events in 15 s")
            stage.note("\(Int(share * 100)) % of a core meanwhile")
        }
    ]
}
