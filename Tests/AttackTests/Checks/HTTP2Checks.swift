import BridgeTesting
import NIOCore

extension SecurityCheck {
    /// Connections of HTTP/2 that ask for more than they may have.
    static let http2 = [
        SecurityCheck("HTTP/2: answers behind a closed window take bounded memory") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            // The whole history is requested on every stream.
            let text = String(repeating: "h", count: 3500)
            for _ in 0..<200 * stage.scale { try await bridge.post("/n/in", .init(string: text), type: "text/plain") }
            let port = bridge.port
            let reader = try await OwnThread.run {
                let socket = try AttackSocket(port: port, patience: .seconds(1))
                socket.send(HTTP2Bytes.preface + HTTP2Bytes.setting(4, 0))
                for stream in 0..<40 * AttackSettings.scale {
                    guard
                        socket.send(
                            HTTP2Bytes.get("/api/stream/out?format=json&since=earliest&limit=1000", stream: 2 * stream + 1))
                    else { break }
                }
                return socket
            }
            await stage.settle()
            reader.shutDown()
        },

        SecurityCheck("HTTP/2: an excess stream is refused, and the others continue") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            let port = bridge.port
            let reader = try await OwnThread.run {
                let socket = try AttackSocket(port: port, patience: .milliseconds(500))
                socket.send(HTTP2Bytes.preface + HTTP2Bytes.windowUpdate(1 << 30))
                // Settings come first: six bytes each, of which 3 names the number of streams (RFC 9113 §6.5.2).
                let settings = socket.receive { $0.count >= 9 && $0.count >= 9 + Int($0[1]) << 8 + Int($0[2]) }
                let places = stride(from: 9, to: settings.count - 5, by: 6)
                guard let place = places.first(where: { settings[$0] == 0 && settings[$0 + 1] == 3 }) else {
                    throw PeerError("the server names no number of streams")
                }
                // Until they are acknowledged, fewer streams may be open.
                socket.send(HTTP2Bytes.frame(4, flags: 1))
                let limit = settings[place + 2..<place + 6].reduce(0) { $0 << 8 | Int($1) }
                for stream in 0..<limit + 5 { socket.send(HTTP2Bytes.get("/api/stream/out", stream: 2 * stream + 1)) }
                _ = socket.receive(upTo: 1 << 22)
                return socket
            }
            try await bridge.post("/n/in", .init(string: "for all streams"), type: "text/plain")
            let received = try await OwnThread.run {
                reader.receive { String(decoding: $0, as: UTF8.self).contains("for all streams") }
            }
            stage.expect(
                String(decoding: received, as: UTF8.self).contains("for all streams"), "the streams of the connection have ended")
        },

        SecurityCheck("HTTP/2: places of long polls are free once their connection is gone") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out, max_connections: 100 }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            let port = bridge.port
            for _ in 0..<3 * stage.scale {
                try await OwnThread.run {
                    let sockets = try (0..<4).map { _ in
                        let socket = try AttackSocket(port: port, patience: .milliseconds(300))
                        socket.send(HTTP2Bytes.preface)
                        for stream in 0..<40 {
                            socket.send(HTTP2Bytes.get("/api/stream/out?poll=1&timeout=60", stream: 2 * stream + 1))
                        }
                        return socket
                    }
                    for socket in sockets { _ = socket.receive(upTo: 200) }
                }
            }
            let isFree = await holds(within: .seconds(5)) {
                (try? AttackSocket(port: port)).flatMap { socket in
                    socket.send("GET /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return socket.answer()?.status == 200
                } ?? false
            }
            stage.expect(isFree, "the stream is still full 5 s after its readers have gone")
        },

        SecurityCheck("HTTP/2: header fields that unpack to megabytes are refused") { stage in
            let bridge = try await stage.start()
            let port = bridge.port
            // 4,000 bytes in the dynamic table, named by one byte each.
            let stored = [0x40] + HTTP2Bytes.text("x") + HTTP2Bytes.text(String(repeating: "b", count: 3900))
            let statuses = try await OwnThread.run {
                var ended = 0
                for _ in 0..<20 * AttackSettings.scale {
                    let socket = try AttackSocket(port: port)
                    let block = HTTP2Bytes.fields("GET", "/livez") + stored + [UInt8](repeating: 0x80 | 62, count: 10_000)
                    socket.send(HTTP2Bytes.preface + HTTP2Bytes.frame(1, flags: 5, stream: 1, block))
                    if !String(decoding: socket.receive(), as: UTF8.self).contains("alive") { ended += 1 }
                }
                return ended
            }
            stage.expect(statuses == 20 * stage.scale, "\(20 * stage.scale - statuses) were answered")
        },

        SecurityCheck("HTTP/2: no name or value of a field stops the program") { stage in
            let bridge = try await stage.start()
            let port = bridge.port
            let names: [[UInt8]] =
                [
                    [0xE9], [0xC3, 0xA9], [0x41], [], [0x20], [0x61, 0], [0x3A, 0x78], [0xFF, 0xFE], [0xED, 0xA0, 0x80],
                    [0x61, 0x3A], [0x7F],
                ]
                + [
                    "te", "connection", "host", "content-length", "transfer-encoding", "cookie", "authorization", "accept",
                    "expect",
                ].map { Array($0.utf8) }
            let values: [[UInt8]] = [
                [], [0xE9], [0x61, 0], [13, 10, 0x62, 0x3A, 0x63], [0x20, 0x78, 0x20], [0xED, 0xA0, 0x80], [0x2D, 0x31],
            ]
            try await OwnThread.run {
                for name in names {
                    for value in values {
                        let socket = try AttackSocket(port: port, patience: .milliseconds(20))
                        let field = [0, UInt8(name.count)] + name + [UInt8(value.count)] + value
                        socket.send(
                            HTTP2Bytes.preface
                                + HTTP2Bytes.frame(1, flags: 5, stream: 1, HTTP2Bytes.fields("GET", "/livez") + field))
                        _ = socket.receive(upTo: 200)
                    }
                }
            }
            stage.note("\(names.count * values.count) requests")
        },
    ]
}
