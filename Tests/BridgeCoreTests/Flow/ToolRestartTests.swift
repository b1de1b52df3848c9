import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore

/// What the tools of routes keep across a restart with a log on disk.
struct ToolRestartTests {
    private static let night = #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}}"#

    @Test func `a throttle continues its period`() throws {
        let first = try ToolRun(#"{"throttle": {"max": 2, "per": "1h", "key": "{{ .title }}"}}"#, isOnDisk: true)
        for text in ["1", "2", "3"] { first.send(text, title: "a") }
        #expect(first.messages() == ["1", "2"])
        let second = first.restart()
        second.send("4", title: "a")
        second.send("5", title: "b")
        #expect(second.messages() == ["5"])
        second.pass(.seconds(3600))
        let third = second.restart()
        third.send("6", title: "a")
        #expect(third.messages() == ["6"])
        #expect(third.stored?.states.map(\.place.key) == ["a"], "what has ended is removed")
    }

    @Test func `changed and sample continue`() throws {
        let first = try ToolRun(#"{"changed": {"of": "{{ .message }}"}, "sample": {"one_in": 2}}"#, isOnDisk: true)
        for text in ["a", "a"] { first.send(text) }
        #expect(first.messages() == ["a"])
        let second = first.restart()
        for text in ["a", "b", "c"] { second.send(text) }
        #expect(second.messages() == ["c"])
        #expect(second.dropped("changed") == 1)
        #expect(second.dropped("sample") == 1)
    }

    @Test func `held events pass at their time, once`() throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        for text in ["1", "2"] { first.send(text) }
        first.commit()
        first.send("not written")
        let second = first.restart()
        second.send("3")
        #expect(second.take().isEmpty)
        #expect(second.figure(#"streambridge_route_held{route="r"}"#) == 3)
        second.set(.at("2026-01-16T06:00:00Z"))
        #expect(second.messages() == ["1", "2", "3"])
        #expect(second.stored?.held.isEmpty == true)
        let third = second.restart()
        third.pass(.seconds(86_400))
        #expect(third.take().isEmpty)
    }

    @Test func `what is due while the program is away passes at the start`() throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        first.send("1")
        first.commit()
        first.set(.at("2026-01-16T12:00:00Z"))
        let again = first.restart()
        again.pass(.zero)
        #expect(again.messages() == ["1"])
    }

    @Test func `a digest goes on to grow, and passes once`() throws {
        let first = try ToolRun(#"{"digest": {"window": "60s", "key": "{{ $subject }}"}}"#, isOnDisk: true)
        first.send("1", title: "\"T\"", priority: 2)
        first.commit()
        let second = first.restart()
        second.send("2", title: "\"T\"", priority: 5)
        #expect(second.take().isEmpty)
        let third = second.restart()
        third.pass(.seconds(60))
        let digests = third.take()
        #expect(digests.map(\.title) == ["\"T\" (2)"])
        #expect(digests.map(\.message) == ["1\n2"])
        #expect(digests.map(\.priority) == [5])
        #expect(digests.map(\.subject) == ["a"])
        #expect(third.stored?.states.isEmpty == true)
    }

    @Test func `the latest event of an interval is kept, with what later tools need`() throws {
        let first = try ToolRun(
            #"{"sample": {"every": "60s", "key": "{{ $subject }}"}, "throttle": {"per": "1h", "key": "{{ .title }}"}}"#,
            isOnDisk: true)
        for (text, subject) in [("1", "a"), ("2", "a"), ("3", "b")] { first.send(text, title: "t", subject: subject) }
        first.commit()
        #expect(first.stored?.held.map(\.event.message) == ["2", "3"])
        let second = first.restart()
        second.send("4", title: "t")
        second.pass(.seconds(60))
        #expect(Set(second.messages()).count == 1)
        #expect(second.dropped("throttle") == 1)
        #expect(second.dropped("sample") == 1)
    }

    @Test func `an absence is not reported twice, and its end is`() throws {
        let first = try ToolRun(#"{"expect": {"every": "15m", "key": "{{ $subject }}"}}"#, isOnDisk: true)
        first.send("x", subject: "a")
        first.pass(.seconds(600))
        first.send("x", subject: "b")
        first.pass(.seconds(300))
        #expect(first.take().map(\.title) == ["a is missing"])
        let second = first.restart()
        second.pass(.seconds(899))
        #expect(second.take().isEmpty, "the bridge has to see a whole interval itself")
        second.pass(.seconds(1))
        #expect(second.take().map(\.title) == ["b is missing"])
        second.send("x", subject: "a")
        #expect(second.take().map(\.title) == ["a is back"])
    }

    // MARK: A changed file

    private func route(_ tools: String?, name: String = "r", to sinks: [SinkIndex] = [0]) throws -> Route {
        Route(
            name: name, tools: try tools.map { try decode(ToolRun.Tools.self, $0).tools },
            targets: sinks.map { Route.Target(sink: $0) })
    }

    @Test(
        arguments: [
            #"{"throttle": {"per": "1h"}}"#, #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "UTC", "then": "drop"}}"#,
            nil,
        ] as [String?])
    func `what a tool held passes at once when the route no longer has it`(tools: String?) throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        first.send("held")
        first.commit()
        let second = first.restart([try self.route(tools)])
        second.pass(.zero)
        #expect(second.messages() == ["held"])
        #expect(second.stored?.held.isEmpty == true)
    }

    @Test func `what a route held that is gone passes to its sinks`() throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        first.send("held")
        first.commit()
        let second = first.restart([try self.route(nil, name: "another", to: [1])])
        second.pass(.zero)
        #expect(second.messages() == ["held"])
    }

    @Test func `a digest of a route that is gone passes to its sinks`() throws {
        let first = try ToolRun(#"{"digest": {"window": "60s"}}"#, isOnDisk: true)
        first.send("one")
        first.commit()
        let second = first.restart([try self.route(nil, name: "another", to: [1])])
        second.pass(.zero)
        #expect(second.messages() == ["one"])
        #expect(second.stored?.states.isEmpty == true)
    }

    @Test func `what was held for a sink that is gone becomes a dead letter`() throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        first.send("held")
        first.commit()
        var stored = try #require(first.stored)
        for index in stored.held.indices { stored.held[index].targets[0].sink = "gone" }
        let second = ToolRun(
            [try self.route(Self.night)], at: .at("2026-01-15T23:00:00Z"), stored: stored, policy: .logged,
            settings: DeliverySettings())
        second.pass(.zero)
        let work = second.log.takeWork()
        let reasons = work.changes.letters.compactMap { change -> String? in
            if case .keep(let letter) = change { letter.reason } else { nil }
        }
        #expect(reasons == ["the route that held it and its sinks are no longer in the file"])
    }

    @Test func `what is no longer held is logged once per route, with the count`() throws {
        let first = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        for text in ["1", "2", "3", "4", "5"] { first.send(text) }
        first.commit()
        var stored = try #require(first.stored)
        for index in 0..<2 { stored.held[index].targets[0].sink = "gone" }
        let log = RecordedLog()
        let flow = FlowMachine(
            routes: [try self.route(nil, name: "renamed")], sinks: ["out", "other"],
            events: FlowEvents(bridge: "here", limits: EventLimits()), stored: stored, now: .at("2026-01-16T12:00:00Z"))
        flow?.reportOrphans(to: log.logger("test"))
        #expect(
            log.lines.map(\.message) == [
                "Releasing events that their route no longer holds", "Held events became dead letters; their sinks left the file",
            ])
        #expect(log.lines.map(\.level) == ["notice", "warning"])
        #expect(log.lines.map(\.metadata) == [["route": "r", "count": "3"], ["route": "r", "count": "2"]])
    }

    @Test func `state of a tool that the route no longer has is removed`() throws {
        let first = try ToolRun(#"{"throttle": {"per": "1h"}}"#, isOnDisk: true)
        first.send("1")
        first.commit()
        #expect(first.stored?.states.count == 1)
        let second = first.restart([try self.route(#"{"changed": {"of": "{{ .message }}"}}"#)])
        second.commit()
        #expect(second.stored?.states.isEmpty == true)
    }
}
