import BridgeTesting
import Glibc
import NIOCore
import Testing

/// The endpoint as the `EventSource` of real browsers sees it, from a page of another origin.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct BrowserTests {
    @Test(arguments: Browser.allCases)
    func `EventSource opens at once, receives events as messages, and ignores cursors`(
        _ browser: Browser
    ) async throws {
        let setting = try await Setting.make()
        try await setting.show(in: browser) {
            try await eventually("it stands somewhere, not \(setting.page.heard)") { setting.page.heard.count >= 2 }
            try await setting.publish("first \u{E4}\u{1F600}")
            try await setting.publish("second")
            try await eventually("both have arrived") { setting.page.heard("message").count == 2 }
        }
        let heard = setting.page.heard
        #expect(heard.map(\.type) == ["open", "cursor", "message", "message"])
        #expect(try setting.page.messages == ["first \u{E4}\u{1F600}", "second"])
        #expect(heard.allSatisfy { $0.state == 1 })
        #expect(heard[1].data == "{\"cursor\":\"\(heard[1].id)\"}")
        // What the same events have for another client.
        let client = try await setting.bridge.stream("demo", headers: [("Last-Event-ID", heard[1].id)])
        try await eventually("the past has arrived") { client.messages.count == 2 }
        #expect(heard.dropFirst(2).map(\.id) == client.messages.map(\.id))
        #expect(heard.dropFirst(2).map(\.data) == client.messages.map(\.data))
        #expect(setting.log.methods == ["GET"])
    }

    @Test(arguments: Browser.allCases, ["gzip", "zstd"])
    func `EventSource receives each event of a compressed stream as it arrives`(
        _ browser: Browser, _ coding: String
    ) async throws {
        let setting = try await Setting.make()
        let texts = (0..<5).map { "\($0) " + String(repeating: "many words ", count: 40 * ($0 + 1)) }
        try await setting.show(in: browser, coding: coding) {
            try await setting.untilConnected()
            // Each is received before the next is sent, so without help of later bytes; the short ones are stored
            // uncompressed.
            for (number, text) in texts.enumerated() {
                try await setting.publish(text)
                try await eventually("event \(number) has arrived") { setting.page.heard("message").count == 2 * number + 1 }
                try await setting.publish("short \(number)")
                try await eventually("short event \(number) has arrived") {
                    setting.page.heard("message").count == 2 * number + 2
                }
            }
        }
        #expect(try setting.page.messages == texts.enumerated().flatMap { [$1, "short \($0)"] })
        #expect(setting.page.heard("error").isEmpty)
        let asked = try #require(setting.log.values("Accept-Encoding").first)
        let client = try await setting.bridge.stream("demo", headers: [("Accept-Encoding", asked)])
        #expect(client.header("content-encoding") == coding)
    }

    @Test(arguments: Browser.allCases)
    func `EventSource that is disconnected before its first event misses none, and sends no preflight`(
        _ browser: Browser
    ) async throws {
        let setting = try await Setting.make(reconnect: "2s")
        try await setting.show(in: browser) {
            try await setting.untilConnected()
            setting.proxy.cut()
            try await setting.publish("while it is away")
            #expect(setting.log.methods == ["GET"], "it is away")
            try await eventually("the event has arrived, not \(setting.page.heard)") { setting.page.heard("message").count == 1 }
            try await setting.publish("when it is back")
            try await eventually("the next has arrived") { try setting.page.messages.last == "when it is back" }
        }
        #expect(try setting.page.messages == ["while it is away", "when it is back"])
        #expect(setting.page.heard("gap").isEmpty)
        #expect(setting.page.heard("error").map(\.state) == [0])
        #expect(setting.log.values("Last-Event-ID") == [setting.page.heard("cursor")[0].id])
        // An id of other letters would cost a preflight.
        #expect(setting.log.methods == ["GET", "GET"])
    }

    @Test(arguments: Browser.allCases)
    func `EventSource that is disconnected among 200 events receives each once and in order`(_ browser: Browser) async throws {
        let setting = try await Setting.make()
        let texts = (0..<200).map { "number \($0)" }
        try await setting.show(in: browser) {
            try await setting.untilConnected()
            for (number, text) in texts.enumerated() {
                try await setting.publish(text)
                if [60, 120].contains(number) {
                    try await eventually("some have arrived") { setting.page.heard("message").count > number - 20 }
                    setting.proxy.cut()
                }
                // Some come while it is away, some while it catches up.
                if number == 160 {
                    try await eventually("it is back") { setting.page.heard("open").count == 3 }
                }
            }
            try await eventually("all have arrived, not \(setting.page.heard("message").count)") {
                setting.page.heard("message").count >= texts.count
            }
            // Would be after a duplicate.
            try await setting.publish("last")
            try await eventually("the last has arrived") { try setting.page.messages.last == "last" }
        }
        #expect(try setting.page.messages == texts + ["last"])
        #expect(setting.page.heard("gap").isEmpty)
        #expect(Set(setting.log.methods) == ["GET"])
    }

    @Test(arguments: Browser.allCases)
    func `EventSource reconnects to the next process after a stop, and gets the gap`(
        _ browser: Browser
    ) async throws {
        // Firefox gives up for good when nothing listens, so it gets a delay until the next process is there.
        let setting = try await Setting.make(reconnect: "2s")
        var next: ChildProcess?
        try await setting.show(in: browser) {
            try await setting.untilConnected()
            try await setting.publish("before")
            try await eventually("it has arrived") { try setting.page.messages == ["before"] }
            #expect(try await setting.bridge.stop() == .exited(0))
            next = try setting.bridge.startAgain()
            try await eventually("it is back, not \(setting.page.heard)") { setting.page.heard("open").count == 2 }
            try await setting.publish("after")
            try await eventually("it continues") { try setting.page.messages.last == "after" }
        }
        #expect(try setting.page.messages == ["before", "after"])
        #expect(setting.page.heard("gap").count == 1)
        #expect(setting.page.heard("error").filter { $0.state != 0 } == [])
        #expect(Set(setting.log.methods) == ["GET"])
        next?.kill()
    }

    @Test(arguments: Browser.allCases)
    func `EventSource that reconnects while the program still closes streams does not give up`(
        _ browser: Browser
    ) async throws {
        let setting = try await Setting.make(reconnect: "2s", drain: "15s")
        // Enough that each event loop has some, which go one after the other until the end.
        var others: [SSEClientPeer] = []
        for _ in 0..<40 { others.append(try await setting.bridge.stream("demo")) }
        try await setting.show(in: browser) {
            try await setting.untilConnected()
            setting.proxy.cut()
            setting.bridge.process.signal(SIGTERM)
            try await eventually("it has come and was sent away, not \(setting.page.heard)") {
                setting.page.heard("error").count == 2
            }
        }
        // The second cursor says why, and has no id.
        #expect(setting.page.heard.map(\.type) == ["open", "cursor", "error", "open", "cursor", "error"])
        #expect(setting.page.heard("error").map(\.state) == [0, 0])
        #expect(setting.log.methods == ["GET", "GET"])
        #expect(setting.bridge.process.ended == nil, "others are still here")
        setting.bridge.process.kill()
    }

    @Test(arguments: Browser.allCases, ["none", "other"])
    func `EventSource gives up a missing stream, and one for pages of other origins`(
        _ browser: Browser, _ stream: String
    ) async throws {
        let setting = try await Setting.make()
        try await setting.show(in: browser, stream: stream) {
            try await eventually("it is refused") { !setting.page.heard.isEmpty }
            try await setting.publish("for others")
        }
        #expect(setting.page.heard == [.init(type: "error", id: "", data: "", state: 2)])
        #expect(setting.log.methods == ["GET"])
    }

    /// The program with a stream for a page, and what lies between the two.
    private struct Setting {
        let page: StreamPage
        let bridge: BridgeProcess
        let proxy: TCPProxy
        let log: RequestLog

        static func make(reconnect: String = "50ms", drain: String = "0s") async throws -> Setting {
            let page = try await StreamPage.start()
            let bridge = try await BridgeProcess.start(
                """
                sources:
                  in: { type: webhook, id: hello }
                sinks:
                  out: { type: sse, stream: demo, heartbeat: 5m, reconnect: \(reconnect), drain: \(drain), cors: { origins: ["\(page.origin)"] } }
                  other: { type: sse, stream: other, cors: { origins: ["http://elsewhere.example"] } }
                routes:
                  - { from: [in], to: [out, other] }
                """,
                http: "allowed_hosts: [\(Browser.plainHost)]"
            )
            let log = RequestLog()
            let proxy = try TCPProxy(server: bridge.port) { log.add($0, $1) }
            return Setting(page: page, bridge: bridge, proxy: proxy, log: log)
        }

        func show(
            in browser: Browser, stream: String = "demo", coding: String? = nil, _ body: () async throws -> Void
        ) async throws {
            self.page.listen(to: browser.url(port: self.proxy.port, path: "/api/stream/\(stream)", coding: coding))
            try await browser.show(self.page, coding: coding, body)
        }

        func untilConnected() async throws {
            try await eventually("it knows where it stands, not \(self.page.heard)") {
                !self.page.heard("cursor").isEmpty
            }
        }

        func publish(_ text: String) async throws {
            #expect(try await self.bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
    }
}

extension BridgeProcess {
    /// Starts the program once more, with the same file and so on the same port, after it has ended.
    fileprivate func startAgain() throws -> ChildProcess {
        let words = self.process.command.split(separator: " ").map(String.init)
        return try ChildProcess(words[0], Array(words.dropFirst()))
    }
}
