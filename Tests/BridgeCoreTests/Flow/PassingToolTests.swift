import Testing

@testable import BridgeCore

/// Tools that decide at once: `throttle`, `changed`, `sample.one_in`.
struct PassingToolTests {
    // MARK: throttle

    @Test func `a throttle passes the first events of a period, and counts the others`() throws {
        let run = try ToolRun(#"{"throttle": {"max": 2, "per": "60s"}}"#)
        for number in 1...5 { run.send("\(number)") }
        #expect(run.messages() == ["1", "2"])
        #expect(run.dropped("throttle") == 3)
        run.pass(.milliseconds(59_999))
        run.send("early")
        #expect(run.messages().isEmpty)
        run.pass(.milliseconds(1))
        run.send("next period")
        #expect(run.messages() == ["next period"])
        #expect(run.figure("streambridge_events_unrouted_total") == 0, "a dropped event is not without a route")
    }

    @Test func `each key has its own limit; events without the value share one`() throws {
        let run = try ToolRun(#"{"throttle": {"per": "60s", "key": "{{ .title }}"}}"#)
        for title in ["a", "b", "a", nil, nil] { run.send("of \(title ?? "none")", title: title) }
        #expect(run.messages() == ["of a", "of b", "of none"])
    }

    @Test func `what bypasses a throttle passes and does not count`() throws {
        let run = try ToolRun(#"{"throttle": {"per": "60s", "bypass": {"priority": {"gte": 4}}}}"#)
        for (text, priority) in [("urgent", 5), ("first", 3), ("second", 3), ("urgent again", 4)] {
            run.send(text, priority: priority)
        }
        #expect(run.messages() == ["urgent", "first", "urgent again"])
    }

    @Test func `a clock that is set back begins a new period`() throws {
        let run = try ToolRun(#"{"throttle": {"per": "1h"}}"#)
        run.send("a")
        run.pass(.seconds(-7200))
        run.send("b")
        run.send("c")
        #expect(run.messages() == ["a", "b"])
    }

    // MARK: changed

    @Test func `only a changed value passes, per source and subject`() throws {
        let run = try ToolRun(#"{"changed": {"of": "{{ .payload.state }}"}}"#)
        for (state, subject) in [("on", "a"), ("on", "a"), ("on", "b"), ("off", "a"), ("on", "a"), ("on", "b")] {
            run.send("\(subject) \(state)", payload: #"{"state": "\#(state)"}"#, subject: subject)
        }
        run.send("without", payload: #"{"battery": 3}"#)
        #expect(run.messages() == ["a on", "b on", "a off", "a on"])
        #expect(run.dropped("changed") == 3)
    }

    @Test func `values are compared by key, in their whole length`() throws {
        let run = try ToolRun(#"{"changed": {"of": "{{ .message }}", "key": "{{ .title }}"}}"#)
        let long = String(repeating: "x", count: 300)
        for text in ["\(long)1", "\(long)1", "\(long)2"] { run.send(text, title: "t") }
        #expect(run.messages() == ["\(long)1", "\(long)2"])
        // Equal by canonical equivalence, and different in their bytes.
        run.send("\u{E9}", title: "t")
        run.send("e\u{301}", title: "t")
        #expect(run.messages().count == 2)
    }

    // MARK: sample

    @Test func `one event in several passes, per key`() throws {
        let run = try ToolRun(#"{"sample": {"one_in": 3, "key": "{{ $subject }}"}}"#)
        for number in 1...7 { run.send("a\(number)", subject: "a") }
        run.send("b1", subject: "b")
        #expect(run.messages() == ["a1", "a4", "a7", "b1"])
        #expect(run.dropped("sample") == 4)
    }

    // MARK: Together

    @Test func `changed comes before throttle, whose limit unchanged values do not use`() throws {
        let run = try ToolRun(#"{"changed": {"of": "{{ .message }}"}, "throttle": {"max": 2, "per": "60s"}}"#)
        for text in ["a", "a", "b", "c"] { run.send(text) }
        #expect(run.messages() == ["a", "b"])
        #expect(run.dropped("changed") == 1)
        #expect(run.dropped("throttle") == 1)
    }

    @Test func `a route without tools is not touched by those of another`() throws {
        let tools = try decode(ToolRun.Tools.self, #"{"throttle": {"per": "60s"}}"#).tools
        let routes = [
            Route(name: "r", tools: tools, targets: [Route.Target(sink: 0)]),
            Route(name: "all", targets: [Route.Target(sink: 1)]),
        ]
        let run = ToolRun(
            routes, at: ToolRun.start, stored: nil, policy: .delivered, settings: DeliverySettings())
        for text in ["a", "b", "c"] { run.send(text) }
        #expect(run.messages() == ["a"])
        #expect(run.take(sink: 1).map(\.message) == ["a", "b", "c"])
    }

    @Test func `gap events pass all tools`() throws {
        let tools = try decode(ToolRun.Tools.self, #"{"throttle": {"per": "60s"}, "digest": {"window": "60s"}}"#).tools
        let table = RouteTable(routes: [Route(name: "r", tools: tools, targets: [Route.Target(sink: 0)])])
        let routing = table.routing(of: sampleEvent(kind: .gap), reader: EventReader(), now: ToolRun.start) { _, _ in }
        #expect(routing.readings == nil)
        #expect(routing.plan.entries.count == 1)
    }

    @Test func `an expression that fails is reported, and the event passes`() throws {
        var tools = RouteTools()
        tools.throttle = Throttle()
        tools.throttle?.key = try Template("{{ fail }}", compiler: WordCompiler())
        let table = RouteTable(routes: [Route(name: "r", tools: tools, targets: [Route.Target(sink: 0)])])
        var failures = 0
        let routing = table.routing(of: sampleEvent(), reader: EventReader(), now: ToolRun.start) { _, _ in failures += 1 }
        #expect(failures == 1)
        #expect(routing.readings == nil && routing.plan.entries.count == 1)
    }
}
