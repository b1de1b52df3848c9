import BridgeTesting
import NIOCore
import Testing

extension SecurityCheck {
    /// HTTP/1 heads that a proxy and a server may read differently.
    static let requests = [
        SecurityCheck("a request hidden in another one is never carried out") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            let reader = try await bridge.stream("out")
            let port = bridge.port
            try await OwnThread.run {
                for request in Smuggling.all {
                    let socket = try AttackSocket(port: port, patience: .milliseconds(200))
                    socket.send(request)
                    _ = socket.receive()
                }
            }
            let post = try await bridge.post("/n/in", .init(string: "the last"), type: "text/plain")
            stage.expect(post.status == 201, "an honest request was answered with \(post.status)")
            try await eventually("the last event arrives") { reader.messages.contains { $0.data.contains("the last") } }
            for event in reader.messages where event.data.contains(Smuggling.mark) {
                stage.complain("carried out: \(event.data)")
            }
            stage.note("\(Smuggling.all.count) requests")
        },

        SecurityCheck("malformed heads are refused, each with a clean answer or the end of the connection") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            let port = bridge.port
            let requests =
                MalformedRequests.all
                + (0..<300 * stage.scale).map { MalformedRequests.random(AttackSettings.seed &+ UInt64($0)) }
            let failures = try await OwnThread.run {
                var failures: [String] = []
                for request in requests {
                    let socket = try AttackSocket(port: port, patience: .milliseconds(500))
                    socket.send(request)
                    socket.finishSending()
                    let answer = String(decoding: socket.receive(), as: UTF8.self)
                    // A frame of HTTP/2 begins with its length.
                    let isClean = answer.isEmpty || ["\0", "HTTP/1.1 4", "HTTP/1.1 5"].contains { answer.hasPrefix($0) }
                    if !isClean {
                        failures.append(
                            "\(String(decoding: request.prefix(60), as: UTF8.self).debugDescription): \(answer.prefix(80))")
                    }
                }
                return failures
            }
            for failure in failures { stage.complain(failure) }
            stage.note("\(requests.count) requests")
        },

        SecurityCheck("no spelling of a path reaches what another path guards") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in, token: secret }"],
                sinks: ["out: { type: sse, stream: out, token: secret }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            let port = bridge.port
            let paths = PathTricks.all
            let failures = try await OwnThread.run {
                var failures: [String] = []
                for path in paths {
                    for method in ["GET", "POST", "HEAD", "QUERY", "get", "PROPFIND"] {
                        let socket = try AttackSocket(port: port, patience: .milliseconds(500))
                        socket.send(
                            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        guard let answer = socket.answer() else { continue }
                        if answer.status < 300 {
                            failures.append("\(method) \(path.debugDescription) was answered with \(answer.status)")
                        }
                    }
                }
                return failures
            }
            for failure in failures { stage.complain(failure) }
            stage.note("\(paths.count) paths")
        },
    ]

    /// Clients that send and never read.
    static let pipelines = [
        "GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
        "GET /api/stream/in?format=json HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ].map { request in
        SecurityCheck("requests whose answers nobody reads cost bounded memory: \(request.prefix { $0 != "\r\n" })") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["in: { type: sse, stream: in }"],
                routes: ["{ from: [in], to: [in] }"]
            )
            let port = bridge.port
            let burst = Array(String(repeating: request, count: 200).utf8)
            let sent = try await OwnThread.run {
                let socket = try AttackSocket(port: port, receiveBuffer: 4096, patience: .seconds(1))
                let deadline = ContinuousClock.now + .seconds(2 + AttackSettings.scale)
                var sent = 0
                // 20 MB of requests are more than 64 MiB of answers.
                while sent < (20 << 20) * AttackSettings.scale, ContinuousClock.now < deadline, socket.send(burst) {
                    sent += burst.count
                }
                return sent
            }
            stage.note("\(sent >> 10) KiB of requests taken")
        }
    }
}
