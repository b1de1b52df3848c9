import BridgeTesting
import Testing

extension SecurityCheck {
    /// Servers that an SSE source reads.
    static let upstreams = [
        SecurityCheck("no server of an event stream ends the program or fills its memory") { stage in
            let bombs = try await CompressionBombs.make()
            let server = try HostilePeer { socket, _ in
                let request = String(decoding: socket.receive { $0.suffix(4) == [13, 10, 13, 10] }, as: UTF8.self)
                let number = Int(request.split(separator: " ").dropFirst().first?.dropFirst() ?? "") ?? 0
                Self.serve(number, socket, bombs)
            }
            let behaviours = Self.streamTexts.count + 8 + bombs.count
            let names = (0..<behaviours).map { "s\($0)" }
            try await stage.start(
                sources: (0..<behaviours).map {
                    "s\($0): { type: sse, url: 'http://127.0.0.1:\(server.port)/\($0)', idle_timeout: 5s }"
                },
                sinks: ["out: { type: sse, stream: out }"], routes: ["{ from: [\(names.joined(separator: ", "))], to: [out] }"]
            )
            try await eventually(within: .seconds(30), "every stream has been read") { server.connections >= behaviours }
            for _ in 0..<5 * stage.scale { await stage.settle() }
            stage.note("\(behaviours) streams, \(server.connections) connections")
        }
    ]

    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

    private static func serve(_ number: Int, _ socket: AttackSocket, _ bombs: [(coding: String, bytes: [UInt8])]) {
        func endless(_ text: String, _ count: Int = 400) {
            let bytes = Array(text.utf8)
            for _ in 0..<count { guard socket.send(bytes) else { return } }
        }
        let long = String(repeating: "x", count: 1 << 20)
        switch number - self.streamTexts.count {
        case ..<0:
            socket.send("\(self.head)\r\n\(self.streamTexts[number])")
            _ = socket.receive(upTo: 1)
        case 0:
            socket.send("HTTP/1.1 200 OK\r\nX: ")
            endless(long, 100)
        case 1:
            socket.send("HTTP/1.1 200 OK\r\n")
            endless(String(repeating: "X: y\r\n", count: 10_000))
        case 2: socket.send("HTTP/1.1 302 Found\r\nLocation: /\(number)\r\nContent-Length: 0\r\n\r\n")
        case 3: socket.send("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
        case 4:
            socket.send(
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Type: text/event-stream\r\n\r\nid: 9\ndata: x\n\n"
            )
        case 5: endless("HTTP/1.1 100 Continue\r\n\r\n", 100_000)
        case 6:
            socket.send("\(self.head)Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\ndata: x\n\n")
            socket.send("-1\r\n")
        case 7:
            socket.send("\(self.head)\r\ndata: ")
            endless(long, 100)
        default:
            let bomb = bombs[(number - self.streamTexts.count - 8) % bombs.count]
            socket.send("\(self.head)Content-Encoding: \(bomb.coding)\r\n\r\n")
            socket.send(bomb.bytes)
            _ = socket.receive(upTo: 1)
        }
    }

    /// Streams that hold what no stream should.
    private static let streamTexts = [
        "data: a\u{0}b\nid: a\u{0}b\n\n", "id: a\u{1B}[2J\ndata: x\n\n", "id: \u{2028}\ndata: x\n\n",
        "event: \(String(repeating: "e", count: 1 << 20))\ndata: x\n\n",
        "id: \(String(repeating: "i", count: 1 << 20))\ndata: x\n\n", "retry: 99999999999999999999\ndata: x\n\n", "retry: 0\n\n",
        String(repeating: "retry: 0\n\n", count: 10_000),
        String(repeating: "data\n", count: 500_000) + "\n", String(repeating: ":\n", count: 500_000),
        String(repeating: "\n", count: 1_000_000), String(repeating: "\r", count: 1_000_000),
        String(repeating: "data: x\n\n", count: 20_000), String(repeating: "id: 1\n\n", count: 100_000),
        String(repeating: "\u{FEFF}", count: 100_000) + "data: x\n\n",
        String(repeating: "x", count: 1 << 20) + ": y\n\n",
        "data: {\"id\":\"a\\nb\",\"message\":\"\(String(repeating: "[", count: 100_000))\"}\n\n",
        "data: \(String(repeating: "[", count: 1 << 20))\n\n",
        "event: gap\ndata: {\"dropped\":1e400}\n\n", "event: cursor\nid: x\ndata: \u{0}\n\n", "",
    ]
}
