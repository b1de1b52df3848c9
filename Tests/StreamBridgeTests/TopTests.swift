import BridgeTesting
import NIOCore
import Testing

@testable import StreamBridge

/// `streambridge top`.
@Suite(.timeLimit(.minutes(1)))
struct TopTests {
    private static func figures(_ text: String, after seconds: Int = 0) -> MetricFigures {
        MetricFigures(text, time: Self.start + .seconds(seconds))
    }

    private static let start = ContinuousClock.now

    @Test func `the table shows rates, backlog and errors of each component`() {
        func text(received: Int, sent: Int) -> String {
            """
            # HELP streambridge_events_received_total Events.
            streambridge_events_received_total{component="home",direction="source",kind="mqtt"} \(received)
            streambridge_events_sent_total{component="phone",direction="sink",kind="webhook"} \(sent)
            streambridge_component_up{component="home",direction="source",kind="mqtt"} 1
            streambridge_component_up{component="phone",direction="sink",kind="webhook"} 0
            streambridge_queue_events{component="phone",direction="sink",kind="webhook"} 17
            streambridge_events_dropped_total{component="phone",direction="sink",kind="webhook",reason="a"} 1
            streambridge_events_dropped_total{component="phone",direction="sink",kind="webhook",reason="b"} 2
            streambridge_dead_letters_total{component="phone",direction="sink",kind="webhook"} 4
            streambridge_errors_total{component="phone",direction="sink",kind="webhook"} 5
            streambridge_route_held{route="night",tool="quiet_hours"} 6
            streambridge_route_errors_total{route="night",key="when"} 7
            """
        }
        let table = TopTable(
            Self.figures(text(received: 100, sent: 1)), Self.figures(text(received: 125, sent: 2), after: 2))
        #expect(
            table.lines == [
                "        NAME   TYPE     STATE  EVENTS/S  EVENTS  BACKLOG  DROPPED  DEAD  ERRORS",
                "source  home   mqtt     up         12.5     125",
                "sink    phone  webhook  DOWN        0.5       2       17        3     4       5",
                "route   night                                          6                      7",
            ])
    }

    @Test func `labels of the text format are read with their escapes, and other lines left out`() {
        let figures = Self.figures(
            #"""
            # TYPE a counter
            a{name="x \"y\" \\ z\n",other=""} 1.5
            a 2
            b{name="unclosed 3
            b{name} 4
            c{} +Inf
            c{} many
            """#)
        #expect(figures.all("a").map(\.value) == [1.5, 2])
        #expect(figures.all("a")[0].labels == ["name": "x \"y\" \\ z\n", "other": ""])
        #expect(figures.sum("a", ["other": ""]) == 1.5)
        #expect(figures.sum("a", [:]) == 3.5)
        #expect(figures.sum("a", ["name": "none"]) == nil)
        #expect(figures.all("b").isEmpty)
        #expect(figures.all("c").map(\.value) == [.infinity])
    }

    @Test(arguments: [
        (0, "0"), (0.004, "0"), (0.25, "0.25"), (9.5, "9.5"), (9.999, "10"), (12.54, "12.5"), (99.99, "100"), (340.4, "340"),
        (9999.9, "10000"), (12_345, "12k"), (25_000_000, "25M"),
    ])
    func `rates have three digits at most that count`(rate: Double, text: String) {
        #expect(Rate.text(rate) == text)
    }

    @Test func `figures that are no numbers of events do not end the program`() {
        let text = """
            streambridge_events_received_total{component="a",direction="source"} NaN
            streambridge_events_received_total{component="b",direction="source"} 1e300
            """
        #expect(TopTable(Self.figures(text), Self.figures(text, after: 1)).lines.count == 3)
    }

    @Test func `one table is printed of the running program`() async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """)
        try await bridge.post("/n/hello", ByteBuffer(string: "hot"))
        let (code, output, error) = try await BridgeProcess.command("top", bridge.directory.file("bridges.yaml"))
        #expect(code == 0, "\(error)")
        let words = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(words.count == 3 && words[0].starts(with: ["NAME", "TYPE", "STATE", "EVENTS/S"]), "\(output)")
        #expect(words[1].starts(with: ["source", "in", "webhook", "up", "0", "1"]), "\(output)")
        #expect(words[2].starts(with: ["sink", "out", "file", "up", "0", "1", "0"]), "\(output)")
        #expect(try await bridge.stop() == .exited(0))
        let gone = try await BridgeProcess.command("top", bridge.directory.file("bridges.yaml"))
        #expect(gone.code == 1)
        #expect(gone.error.hasPrefix("http://127.0.0.1:\(bridge.port)/metrics does not answer: "), "\(gone.error)")
    }

    @Test func `a wrong token is said`() async throws {
        let bridge = try await BridgeProcess.start(
            "sources: { in: { type: webhook, id: a } }\nsinks: { out: { type: file, path: /dev/null } }\nroutes: [{ to: out }]\n",
            http: "admin: { token: operators }")
        let url = "http://127.0.0.1:\(bridge.port)"
        let (code, _, error) = try await BridgeProcess.command("top", "--url", url, "--token", "wrong", "--once")
        #expect(code == 1 && error.hasPrefix("\(url)/metrics answers 401 Unauthorized"), "\(error)")
        #expect(try await BridgeProcess.command("top", "--url", url, "--interval", "0").code == 64)
    }
}
