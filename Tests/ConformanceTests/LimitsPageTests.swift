import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import FoundationEssentials
import HTTPServer
import StreamBridge
import Testing

/// The page on limits says what the program does.
struct LimitsPageTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    /// The rows of both tables: the first cell without backticks, and the others.
    private static func rows() throws -> [String: [String]] {
        let page = try String(
            contentsOf: URL(filePath: "\(self.root)/Sources/BridgeCore/Documentation.docc/Limits.md"), encoding: .utf8)
        var rows: [String: [String]] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.dropFirst().dropLast().split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            rows[cells[0].split(separator: "`").joined()] = Array(cells.dropFirst())
        }
        return rows
    }

    /// A setting with values that its range holds just so, and values that it holds no longer.
    struct Case: Sendable, CustomTestStringConvertible {
        let setting: String
        let range: String
        let accepted: [String]
        let refused: [String]

        init(_ setting: String, _ range: String, _ accepted: [String], _ refused: [String]) {
            self.setting = setting
            self.range = range
            self.accepted = accepted
            self.refused = refused
        }

        var testDescription: String { self.setting }
    }

    @Test(arguments: [
        Case("http.max_connections", "1 to 10000000", ["1", "10000000"], ["0", "10000001"]),
        Case("http.limits.buffered", "1MiB or more", ["1MiB"], ["1023KiB"]),
        Case("http.limits.buffered_per_connection", "64KiB to `buffered`", ["64KiB", "32MiB"], ["63KiB", "33MiB"]),
        Case("http.limits.streams_per_connection", "100 to 250", ["100", "250"], ["99", "251"]),
        Case("webhook source max_body", "1B or more", ["1B"], ["0B"]),
        Case("webhook source timeout", "100ms or more", ["100ms"], ["99ms"]),
        Case("stream max_connections", "1 to 10000000", ["1", "10000000"], ["0", "10000001"]),
        Case("stream limits.per_address", "1 to 10000000", ["1", "10000000"], ["0", "10000001"]),
        Case("stream limits.per_client", "1 to 10000000", ["1", "10000000"], ["0", "10000001"]),
        Case("stream limits.accept_rate", "1 to 10000000", ["1", "10000000"], ["0", "10000001"]),
        Case("stream slow_client.bytes", "4KiB or more", ["4KiB"], ["4095B"]),
        Case("stream slow_client.stall", "100ms or more", ["100ms"], ["99ms"]),
        Case("stream slow_client.dead", "100ms to 1h", ["100ms", "1h"], ["99ms", "3601s"]),
        Case("stream max_age", "1s or more", ["1s"], ["999ms"]),
        Case("stream replay.events", "0 to 100000000", ["0", "100000000"], ["-1", "100000001"]),
        Case("stream snapshot.max", "1 to 1000000", ["1", "1000000"], ["0", "1000001"]),
        Case("stream snapshot.bytes", "4KiB or more", ["4KiB"], ["4095B"]),
        Case("SSE source max_event", "1B or more", ["1B"], ["0B"]),
        Case("SSE source idle_timeout", "more than 0", ["1ms"], ["0s"]),
        Case("SSE source connect_timeout", "more than 0", ["1ms"], ["0s"]),
    ])
    func `a setting has the range that the page names`(_ setting: Case) throws {
        #expect(try Self.rows()[setting.setting]?[1] == setting.range)
        for value in setting.accepted { #expect(Self.mistakes(setting.setting, value) == [], "\(value)") }
        for value in setting.refused { #expect(Self.mistakes(setting.setting, value) != [], "\(value)") }
    }

    @Test func `the server has the defaults that the page names`() throws {
        let rows = try Self.rows()
        let server = HTTPServerConfiguration(address: .unix(path: ""))
        let limits = HTTPLimits()
        func bytes(_ count: Int) -> String { count % (1 << 20) == 0 ? "\(count >> 20)MiB" : "\(count >> 10)KiB" }
        func time(_ duration: Duration) -> String { "\(duration.components.seconds)s" }
        #expect(rows["http.limits.buffered"]?[0] == bytes(limits.buffered))
        #expect(rows["http.limits.buffered_per_connection"]?[0] == bytes(limits.bufferedPerConnection))
        #expect(rows["http.limits.streams_per_connection"]?[0] == "\(limits.streamsPerConnection)")
        #expect(rows["request line and header fields"]?[0] == "\(bytes(server.headerBytes)), 128 fields")
        #expect(rows["empty lines and spaces before a request"]?[0] == bytes(4 * server.headerBytes))
        #expect(rows["time for the first head, TLS handshake included"]?[0] == time(server.headTimeout))
        #expect(rows["time between two parts of a body"]?[0] == time(server.bodyTimeout))
        #expect(rows["time for a whole body"]?[0] == time(server.bodyTimeout * 10))
        #expect(rows["idle connection, or an answer that is not read"]?[0] == time(server.idleTimeout))
    }

    /// What the program says to a file with one setting of this value.
    private static func mistakes(_ setting: String, _ value: String) -> [String] {
        var http = "listen: \"127.0.0.1:0\""
        var webhook = ""
        var source = ""
        var stream = ""
        let words = setting.split(separator: " ")
        let keys = words[words.count - 1].split(separator: ".").map(String.init)
        func nested(_ keys: [String]) -> String {
            let inner = keys.reversed().dropFirst().reduce("\(keys[keys.count - 1]): \(value)") { "\($1): { \($0) }" }
            return ", " + inner
        }
        switch words[0] {
        case "webhook": webhook = nested(keys)
        case "SSE": source = nested(keys)
        case "stream": stream = nested(keys)
        default: http += nested(Array(keys.dropFirst()))
        }
        let file = """
            http: { \(http) }
            sources: { in: { type: webhook, id: in\(webhook) }, up: { type: sse, url: "http://127.0.0.1:1/"\(source) } }
            sinks: { out: { type: sse, stream: out\(stream) } }
            routes: [{ to: out }]
            """
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: [:],
            readFile: { _ in "" })
        do {
            _ = try loader.load(text: file, file: "b.yaml")
            return []
        } catch {
            return error.diagnostics.map(\.message)
        }
    }
}
