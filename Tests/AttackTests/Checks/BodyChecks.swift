import BridgeTesting
import Glibc
import NIOCore

extension SecurityCheck {
    /// Bodies that are larger than they may be, never end or never come.
    static let bodies = [
        SecurityCheck("a body without end is cut off, wherever it is sent") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            let port = bridge.port
            let chunk = Array("1000\r\n".utf8) + [UInt8](repeating: 120, count: 4096) + Array("\r\n".utf8)
            let requests = ["/n/in", "/nope", "/livez", "/api/stream/honest", "/metrics"].flatMap { path in
                ["POST", "GET", "QUERY"].map { "\($0) \(path)" }
            }
            let endless = try await OwnThread.run {
                var open = try requests.map { request in
                    let socket = try AttackSocket(port: port, patience: .milliseconds(20))
                    socket.send(
                        "\(request) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    )
                    return (request, socket)
                }
                // What was refused may be read, and dropped, for a few seconds.
                let deadline = ContinuousClock.now + .seconds(8)
                while !open.isEmpty, ContinuousClock.now < deadline {
                    open.removeAll { !$1.send(chunk) }
                    usleep(2000)
                }
                return open.map(\.0)
            }
            stage.expect(endless.isEmpty, "still taken after 8 s: \(endless)")
        },

        SecurityCheck("a body that is announced too large is refused before it comes") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            let port = bridge.port
            let statuses = try await OwnThread.run {
                try ["1048577", "4294967296", "9223372036854775807"].map { length in
                    let socket = try AttackSocket(port: port)
                    socket.send("POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\n")
                    return socket.answer()?.status ?? 0
                }
            }
            stage.expect(statuses == [413, 413, 413], "answered with \(statuses)")
        },

        SecurityCheck("many bodies that never end cost bounded memory") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            let port = bridge.port
            let part = [UInt8](repeating: 120, count: 1_000_000)
            try await OwnThread.run {
                var sockets: [AttackSocket] = []
                for _ in 0..<100 * AttackSettings.scale {
                    let socket = try AttackSocket(port: port, patience: .milliseconds(300))
                    socket.send(
                        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000001\r\n\r\n")
                    socket.send(part)
                    sockets.append(socket)
                    if sockets.count >= 300 { sockets.removeFirst() }
                }
            }
        },

        SecurityCheck("a compressed body that grows a thousandfold costs bounded memory") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            for (coding, bomb) in try await CompressionBombs.make() {
                for _ in 0..<5 * stage.scale {
                    let answer = try await bridge.post(
                        "/n/in", .init(bytes: bomb), type: "application/json", headers: [("Content-Encoding", coding)])
                    stage.expect([400, 413, 415].contains(answer.status), "\(coding): answered with \(answer.status)")
                }
            }
        },
    ]
}
