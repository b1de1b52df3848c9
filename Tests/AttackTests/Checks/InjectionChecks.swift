import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

extension SecurityCheck {
    /// Content that tries to become structure: of streams, topics, channels, requests, files and log lines.
    static let injection = [
        SecurityCheck("no text of an event adds a line, a field or a level anywhere") { stage in
            let broker = try await BrokerProcess.mosquitto()
            let server = try await BrokerProcess.redis()
            let receiver = try await HTTPPeer.start()
            let subscriber = try await MQTTPeer.connect(port: broker.port)
            try await subscriber.subscribe("#")
            let channels = try await RedisPeer.connect(port: server.port)
            try await channels.subscribe(patterns: ["*"])
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"],
                sinks: [
                    "out: { type: sse, stream: out, slow_client: { bytes: 8MiB } }",
                    "lines: { type: file, path: '{directory}/lines' }",
                    "mqtt: { type: mqtt, url: 'mqtt://127.0.0.1:\(broker.port)', topic: 'out/{{ .title }}', user_properties: { title: '{{ .title }}' } }",
                    "redis: { type: redis, url: 'redis://127.0.0.1:\(server.port)', channel: 'out:{{ .title }}' }",
                    "hook: { type: webhook, url: '\(receiver.url("/to/"))t{{ .title }}', headers: { x-title: 't{{ .title }}' } }",
                ], routes: ["{ from: [in], to: [out, lines, mqtt, redis, hook] }"]
            )
            let reader = try await bridge.stream("out")
            for text in HostileTexts.all {
                let body = String(decoding: try JSONEncoder().encode(["title": "t" + text, "message": text]), as: UTF8.self)
                let answer = try await bridge.post("/n/in", .init(string: body), type: "application/json")
                stage.expect(answer.status == 201, "\(text.debugDescription) was answered with \(answer.status)")
            }
            let count = HostileTexts.all.count
            try await eventually(within: .seconds(30), "all have arrived") {
                reader.messages.count >= count && receiver.count >= count && subscriber.messages.count >= count
                    && channels.messages.count >= count
            }
            for line in reader.body.split(separator: 10, omittingEmptySubsequences: true) {
                let isField = ["data: ", "data:", "id: ", "event: ", "retry: ", ":"].contains { line.starts(with: $0.utf8) }
                stage.expect(
                    isField, "a line of the stream: \(String(decoding: line.prefix(80), as: UTF8.self).debugDescription)")
            }
            let stream = String(decoding: reader.body, as: UTF8.self)
            for scalar in HostileTexts.lineEnds where stream.unicodeScalars.contains(scalar) {
                stage.complain("U+\(String(scalar.value, radix: 16)) is unescaped in the stream")
            }
            stage.expect(reader.messages.count == count, "\(reader.messages.count) events of \(count) on the stream")
            let lines = bridge.lines(of: "lines")
            stage.expect(lines.count == count, "\(lines.count) lines of \(count) in the file")
            for message in subscriber.messages {
                let isOne =
                    message.topic.utf8.starts(with: "out/t".utf8)
                    && !message.topic.utf8.dropFirst(4).contains { "/+#\0".utf8.contains($0) }
                stage.expect(isOne, "published to \(message.topic.debugDescription)")
            }
            for request in receiver.requests {
                let rest = request.uri.dropFirst("/to/t".count)
                stage.expect(request.uri.hasPrefix("/to/t") && !rest.contains { "/?#".contains($0) }, "requested \(request.uri)")
                stage.expect(request.headers["injected"] == nil, "a header was added")
                stage.expect((request.headers["x-title"] ?? "t").hasPrefix("t"), "the header was replaced")
            }
            stage.note("\(count) texts")
        },

        SecurityCheck("no request, event or peer writes a line or an escape sequence into the log") { stage in
            let upstream = try HostilePeer { socket, _ in
                _ = socket.receive { $0.suffix(4) == [13, 10, 13, 10] }
                socket.send(
                    "HTTP/1.1 503 \u{1B}[2Jforged\u{1B}]0;forged\u{7}\r\nContent-Type: \u{1B}[31mforged\r\nContent-Length: 0\r\n\r\n"
                )
            }
            let server = try HostilePeer { socket, _ in
                _ = socket.receive { !$0.isEmpty }
                socket.send("-ERR \u{1B}[2J\u{1B}]0;forged\u{7}\rforged\nforged \u{85}\u{2028}forged\r\n")
            }
            let bridge = try await stage.start(
                sources: [
                    "in: { type: webhook, id: in, ack: received }",
                    "sse: { type: sse, url: 'http://127.0.0.1:\(upstream.port)/' }",
                    "redis: { type: redis, url: 'redis://127.0.0.1:\(server.port)', channels: [a] }",
                ],
                sinks: ["hook: { type: webhook, url: 'http://127.0.0.1:\(upstream.port)/', retry: { attempts: 1 } }"],
                routes: ["{ from: [in, sse, redis], to: [hook] }"], http: "access: { tokens: [ { token: t, publish: [in] } ] }"
            )
            let port = bridge.port
            try await OwnThread.run {
                for text in HostileTexts.all {
                    let escaped = text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                    for request in [
                        "GET /\(escaped) HTTP/1.1\r\nHost: \(text)\r\nUser-Agent: \(text)\r\n\r\n",
                        "POST /n/\(escaped) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(text)\r\nContent-Length: 0\r\n\r\n",
                        "GET /api/stream/\(escaped) HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: \(text)\r\nForwarded: for=\(text)\r\nOrigin: \(text)\r\n\r\n",
                        "\(text) / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    ] {
                        let socket = try AttackSocket(port: port, patience: .milliseconds(20))
                        socket.send(request)
                        _ = socket.receive(upTo: 1)
                    }
                }
            }
            for text in HostileTexts.all {
                let body = String(
                    decoding: try JSONEncoder().encode(["title": text, "message": text, "id": text]), as: UTF8.self)
                try await bridge.post(
                    "/n/in", .init(string: body), type: "application/json", headers: [("Authorization", "Bearer t")])
            }
            try await eventually("the peers have been asked") { upstream.connections > 3 && server.connections > 2 }
            await stage.settle()
            for line in bridge.log.split(separator: "\n") {
                let isClean = line.unicodeScalars.allSatisfy {
                    $0.value >= 32 && !(127..<160).contains($0.value) && !HostileTexts.lineEnds.contains($0)
                }
                stage.expect(isClean && line.first?.isNumber == true, "logged \(line.prefix(200).debugDescription)")
            }
        },
    ]
}
