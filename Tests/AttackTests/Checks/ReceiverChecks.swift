import BridgeTesting
import NIOCore
import Testing

extension SecurityCheck {
    /// Receivers of webhooks.
    static let receivers = [
        SecurityCheck("receivers that misbehave harm no other and fill no memory") { stage in
            let bombs = try await CompressionBombs.make()
            let receiver = try HostilePeer { socket, _ in
                let request = String(
                    decoding: socket.receive { String(decoding: $0, as: UTF8.self).hasSuffix("end\"}") }, as: UTF8.self)
                Self.answer(Int(request.split(separator: " ").dropFirst().first?.dropFirst() ?? "") ?? 0, socket, bombs)
            }
            let honest = try await HTTPPeer.start()
            let count = Self.answers.count + 6 + bombs.count
            let names = (0..<count).map { "r\($0)" }
            let body = "body: '{\"text\":\"{{ .message }} end\"}'"
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in, ack: received }"],
                sinks: (0..<count).map {
                    "r\($0): { type: webhook, url: 'http://127.0.0.1:\(receiver.port)/\($0)', \(body), timeout: 2s, retry: { initial: 50ms, max: 200ms, attempts: 2 }, "
                        + "buffer: { events: 20, on_full: drop_oldest } }"
                } + ["fine: { type: webhook, url: '\(honest.url())', \(body) }"],
                routes: ["{ from: [in], to: [\((names + ["fine"]).joined(separator: ", "))] }"]
            )
            let events = 20 * stage.scale
            for number in 0..<events {
                let answer = try await bridge.post("/n/in", .init(string: "event \(number)"), type: "text/plain")
                stage.expect([200, 201].contains(answer.status), "an event was answered with \(answer.status)")
            }
            try await eventually(within: .seconds(20), "the honest receiver has \(honest.count) of \(events)") {
                honest.count >= events
            }
            try await eventually(within: .seconds(20), "every receiver has been asked") { receiver.connections >= count }
            for _ in 0..<20 * stage.scale { await stage.settle() }
            stage.note("\(count) receivers, \(receiver.connections) connections")
        }
    ]

    private static func answer(_ number: Int, _ socket: AttackSocket, _ bombs: [(coding: String, bytes: [UInt8])]) {
        func endless(_ text: String, _ count: Int) {
            let bytes = Array(text.utf8)
            for _ in 0..<count { guard socket.send(bytes) else { return } }
        }
        let long = String(repeating: "x", count: 1 << 20)
        switch number - self.answers.count {
        case ..<0:
            socket.send(self.answers[number])
            _ = socket.receive(upTo: 1)
        case 0:
            socket.send("HTTP/1.1 200 OK\r\n\r\n")
            endless(long, 200)
        case 1:
            socket.send("HTTP/1.1 500 Error\r\nTransfer-Encoding: chunked\r\n\r\n")
            endless("100000\r\n\(long)\r\n", 200)
        case 2:
            socket.send("HTTP/1.1 200 OK\r\nX: ")
            endless(long, 100)
        case 3:
            for byte in "HTTP/1.1 200 OK\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyy".utf8 {
                guard socket.send([byte]), socket.receive(upTo: 1).isEmpty else { return }
            }
        case 4: endless("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 50_000)
        case 5: socket.resetOnClose()
        default:
            let bomb = bombs[(number - self.answers.count - 6) % bombs.count]
            socket.send("HTTP/1.1 500 Error\r\nContent-Encoding: \(bomb.coding)\r\nContent-Length: \(bomb.bytes.count)\r\n\r\n")
            socket.send(bomb.bytes)
        }
    }

    private static let answers = [
        "", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 X\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 X\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 X\r\nRetry-After: Thu, 99 Xyz 9999 99:99:99 GMT\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\u{0}\u{0}\u{0}\u{4}", "HTTP/0.9 200\r\n\r\n",
        "HTTP/1.1 500 \u{1B}[2J\r\nContent-Length: 4\r\n\r\n\u{1B}[2J", "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{28}",
    ]
}
