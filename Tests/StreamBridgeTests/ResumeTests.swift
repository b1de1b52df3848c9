import BridgeTesting
import Glibc
import NIOCore
import Testing

/// Subscribers across the end of the program, and behind a proxy.
@Suite(.timeLimit(.minutes(2)))
struct ResumeTests {
    private static let yaml = """
        sources:
          in: { type: webhook, id: hello }
        sinks:
          out: { type: sse, stream: demo, heartbeat: 1s }
        routes:
          - { from: [in], to: [out] }
        """

    @Test func `after a kill under load, every subscriber gets a gap for the lost history, and misses nothing new`()
        async throws
    {
        let first = try await BridgeProcess.start(Self.yaml)
        var clients: [SSEClientPeer] = []
        for _ in 0..<20 { clients.append(try await first.stream("demo")) }
        let load = Task {
            var count = 0
            while (try? await first.post("/n/hello", ByteBuffer(string: "before \(count)")).status) == 201 { count += 1 }
            return count
        }
        try await eventually("events flow") { clients.allSatisfy { $0.messages.count > 20 } }
        first.process.kill()
        _ = try await first.process.untilEnded()
        let accepted = await load.value
        // The last that was delivered may not be answered any more.
        #expect(accepted >= 20)
        try await eventually("all streams have ended") { clients.allSatisfy { $0.ending != nil } }
        for client in clients {
            // The received events are a prefix of the accepted ones.
            let messages = try ReceivedEvent.all(client.messages.map(\.data)).map(\.message)
            #expect(messages == (0..<messages.count).map { "before \($0)" })
        }
        let second = try await BridgeProcess.start(Self.yaml, directory: first.directory)
        #expect(try await second.post("/n/hello", ByteBuffer(string: "after 0")).status == 201)
        for client in clients {
            let id = try #require(client.messages.last?.id)
            let again = try await second.stream("demo", headers: [("Last-Event-ID", id)])
            #expect(again.header("streambridge-gap") == "epoch")
            try await eventually("it has what is new") { again.messages.count == 1 }
            #expect(again.events[0].type == "gap")
            #expect(again.events[0].data.contains("\"requested\":\"\(id)\""))
            #expect(try ReceivedEvent.all(again.messages.map(\.data)).map(\.message) == ["after 0"])
        }
    }

    @Test func `a subscriber that loses its connection under load and resumes by id gets every event once and in order`()
        async throws
    {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let proxy = try TCPProxy(server: bridge.port)
        async let publishing: Void = {
            for count in 0..<400 {
                let status = try await bridge.post("/n/hello", ByteBuffer(string: "\(count)")).status
                #expect(status == 201)
            }
        }()
        var seen: [String] = []
        var last = ""
        while seen.count < 400 {
            let headers = last.isEmpty ? [] : [(name: "Last-Event-ID", value: last)]
            let client = try await SSEClientPeer.connect(
                port: proxy.port, path: "/api/stream/demo" + (last.isEmpty ? "?since=earliest" : ""), headers: headers)
            #expect(client.header("streambridge-gap") == nil)
            try await eventually("some have come") { client.messages.count >= min(37, 400 - seen.count) }
            proxy.cut()
            try await eventually("the stream has ended") { client.ending != nil }
            seen += try ReceivedEvent.all(client.messages.map(\.data)).map(\.message)
            last = try #require(client.messages.last?.id)
        }
        try await publishing
        #expect(seen == (0..<400).map(String.init))
    }

    @Test func `empty, hostile and binary bodies are one line of valid JSON each, or refused`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        let bodies: [[UInt8]] = [[], [0xFF, 0xFE, 0x0A, 0x0D], Array("a\r\nid: 7\revent: x\n\ndata: y".utf8), [0]]
        for (index, body) in bodies.enumerated() {
            #expect(try await bridge.post("/n/hello", ByteBuffer(bytes: body), type: "text/plain").status == 201)
            try await eventually("event \(index + 1) has come") { client.messages.count == index + 1 }
        }
        let events = try ReceivedEvent.all(client.messages.map(\.data))
        #expect(events[0].message == "")
        #expect(events[2].message == "a\r\nid: 7\revent: x\n\ndata: y")
        #expect(Set(client.messages.map(\.id)).count == bodies.count)
        #expect(client.events.filter { $0.type != "message" }.map(\.type) == ["cursor"])
        let connection = try RawConnection(port: bridge.port)
        try await connection.send("POST /n/hello HTTP/1.1\r\nHost: localhost\r\nX-Title: a\u{0}b\r\nContent-Length: 0\r\n\r\n")
        #expect(try await connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    }

    @Test func `a reload closes no connection`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        bridge.process.signal(SIGHUP)
        try await eventually("it is reported in the log") {
            bridge.process.standardError.contains("Signal received signal=SIGHUP")
        }
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "still there")).status == 201)
        try await eventually("the event has come") { client.messages.count == 1 }
        #expect(client.ending == nil)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test(arguments: ["", "proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection '';"])
    func `nginx forwards events as they arrive, with its usual directives and without`(_ directives: String) async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let directory = try TemporaryDirectory()
        let reserved = try LastingPort()
        let port = reserved.number
        try directory.write(
            """
            daemon off; master_process off; pid \(directory.file("pid")); error_log stderr;
            events {}
            http {
              access_log off; gzip on; gzip_types text/event-stream; gzip_min_length 1;
              client_body_temp_path \(directory.path); proxy_temp_path \(directory.path); fastcgi_temp_path \(directory.path);
              uwsgi_temp_path \(directory.path); scgi_temp_path \(directory.path);
              server {
                listen 127.0.0.1:\(port);
                location / { proxy_pass http://127.0.0.1:\(bridge.port); \(directives) }
              }
            }
            """, to: "nginx.conf")
        try await ChildProcess.with("/usr/sbin/nginx", ["-p", directory.path, "-c", directory.file("nginx.conf")]) { nginx in
            try await eventually("nginx listens: \(nginx.standardError)") {
                let answer = try? await HTTPRequestPeer.send("GET", "/livez", port: port)
                return answer?.status == 200
            }
            let client = try await SSEClientPeer.connect(port: port, path: "/api/stream/demo")
            #expect(client.status == 200)
            try await eventually("the beginning has come through") { client.events.contains { $0.type == "cursor" } }
            for count in 1...5 {
                #expect(try await bridge.post("/n/hello", ByteBuffer(string: "\(count)")).status == 201)
                try await eventually("event \(count) has come through") { client.messages.count == count }
            }
            client.close()
            try await eventually("the subscriber is gone") { try await bridge.metric("streambridge_sse_subscribers") == 0 }
        }
    }

    @Test
    func `a source resumes after the stored id, and nothing is repeated or missed after a kill`()
        async throws
    {
        let server = try await SSEServerPeer.start()
        let yaml = """
            log: { kind: sqlite }
            sources: { in: { type: sse, url: "\(server.url())" } }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """
        var bridge = try await BridgeProcess.start(yaml)
        var texts: [String] = []
        // No id of an event has such characters, so a duplicate gets two.
        func publish(_ text: String) {
            server.publish([.init(id: "<\(texts.count)>", text)])
            texts.append(text)
        }
        func arrived() throws -> [String: String] {
            let events = try ReceivedEvent.all(bridge.lines(of: "out"))
            return Dictionary(events.map { ($0.id, $0.message) }) { first, _ in first }
        }
        for round in 0..<3 {
            try await eventually("it reads") { server.clients == 1 }
            for number in 0..<30 {
                publish("\(number % 2)")
                try await eventually("it has arrived") { (try? arrived().count) == texts.count }
            }
            bridge.process.kill()
            _ = try await bridge.process.untilEnded()
            try await eventually("it reads no more") { server.clients == 0 }
            bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
            publish("round \(round)")
            try await eventually("the next has arrived") { try arrived().values.contains("round \(round)") }
        }
        #expect(try arrived().values.sorted() == texts.sorted())
        #expect(try await bridge.stop() == .exited(0))
    }
}
