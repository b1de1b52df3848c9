import NIOCore
import Testing

@testable import BridgeCore

/// Tools that keep events until they pass: `quiet_hours`, `digest`, `sample.every`.
struct HoldingToolTests {
    private static let night = #""quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin""#

    // MARK: quiet_hours

    @Test func `events of the quiet hours pass at their end, in order; urgent ones at once`() throws {
        let run = try ToolRun("{\(Self.night), \"except\": {\"priority\": 5}}}", at: .at("2026-01-15T20:59:00Z"))
        run.send("evening")
        run.set(.at("2026-01-15T21:00:00Z"))
        for text in ["one", "two"] { run.send(text, priority: 3) }
        run.send("fire", priority: 5)
        #expect(run.messages() == ["evening", "fire"])
        #expect(run.figure(#"streambridge_route_held{route="r"}"#) == 2)
        run.set(.at("2026-01-16T05:59:59.999Z"))
        #expect(run.messages().isEmpty)
        run.set(.at("2026-01-16T06:00:00Z"))
        run.send("morning")
        #expect(run.messages() == ["one", "two", "morning"])
        #expect(run.figure(#"streambridge_route_held{route="r"}"#) == 0)
    }

    @Test func `an event right after the hours stays behind what the timer has not passed on yet`() throws {
        let run = try ToolRun("{\(Self.night)}}", at: .at("2026-01-15T23:00:00Z"), settings: DeliverySettings(events: 2))
        for text in ["1", "2", "3", "4"] { run.send(text) }
        run.set(.at("2026-01-16T06:00:00Z"))
        run.send("5")
        var all: [String] = []
        for _ in 0..<10 {
            all += run.messages()
            run.pass(.seconds(1))
        }
        #expect(all == ["1", "2", "3", "4", "5"])
    }

    @Test func `a full sink is not given more at the end of the hours`() throws {
        let run = try ToolRun("{\(Self.night)}}", at: .at("2026-01-15T23:00:00Z"), settings: DeliverySettings(events: 2))
        for number in 1...9 { run.send("\(number)") }
        run.set(.at("2026-01-16T06:00:00Z"))
        #expect(run.log.backlog(of: 0).events <= 2)
        #expect(run.figure(#"streambridge_route_held{route="r"}"#) >= 7)
    }

    @Test func `events of the quiet hours are dropped and counted`() throws {
        let run = try ToolRun("{\(Self.night), \"then\": \"drop\"}}", at: .at("2026-01-15T23:00:00Z"))
        run.send("night")
        run.set(.at("2026-01-16T06:00:00Z"))
        run.send("day")
        #expect(run.messages() == ["day"])
        #expect(run.dropped("quiet_hours") == 1)
    }

    @Test(arguments: [(nil, 2), (5, 2), (2, 2), (1, 1)] as [(Int?, Int)])
    func `events of the quiet hours pass with a lower priority`(priority: Int?, expected: Int) throws {
        let run = try ToolRun("{\(Self.night), \"then\": \"lower\", \"priority\": 2}}", at: .at("2026-01-15T23:00:00Z"))
        run.send("night", priority: priority)
        let event = try #require(run.take().first)
        #expect(event.priority == expected)
        #expect(event.id == "e1" && event.message == "night")
        #expect(String(buffer: event.json).contains(#""priority":\#(expected)"#))
    }

    @Test func `events of the quiet hours become one event at their end`() throws {
        let run = try ToolRun("{\(Self.night), \"then\": \"digest\"}}", at: .at("2026-01-15T23:00:00Z"))
        run.send("one", title: "Door")
        run.pass(.seconds(3600))
        run.send("two", title: "Door", priority: 4)
        #expect(run.take().isEmpty)
        run.set(.at("2026-01-16T06:00:00Z"))
        let digests = run.take()
        #expect(digests.map(\.title) == ["Door (2)"])
        #expect(digests.map(\.message) == ["one\ntwo"])
        #expect(digests.map(\.priority) == [4])
    }

    @Test func `a digest that would pass within the quiet hours waits for their end`() throws {
        let tools = "{\(Self.night), \"except\": {\"priority\": 5}}, \"digest\": {\"window\": \"10m\"}}"
        let run = try ToolRun(tools, at: .at("2026-01-15T20:55:00Z"))
        run.send("evening", priority: 5)
        run.set(.at("2026-01-15T21:10:00Z"))
        #expect(run.take().isEmpty)
        run.send("fire", priority: 5)
        #expect(run.messages() == ["fire"], "what the hours except does not wait for a digest")
        run.set(.at("2026-01-16T06:00:00Z"))
        #expect(run.messages() == ["evening"])
    }

    // MARK: digest

    @Test func `the events of a window become one`() throws {
        let run = try ToolRun(#"{"digest": {"window": "60s", "lines": 2}}"#)
        for (number, priority) in [(1, 2), (2, 4), (3, 3)] { run.send("m\(number)\nx", title: "t\(number)", priority: priority) }
        #expect(run.take().isEmpty)
        run.pass(.seconds(60))
        let events = run.take()
        let digest = try #require(events.first)
        #expect(events.count == 1)
        #expect(digest.title == "3 events")
        #expect(digest.message == "t1: m1 x\nt2: m2 x\nand 1 more")
        #expect(digest.priority == 4)
        #expect(digest.source == "in" && digest.subject == "a")
        let payload = digest.payload.map { String(buffer: $0) }
        #expect(
            payload
                == #"{"count":3,"first":"2026-01-15T10:00:00.000Z","last":"2026-01-15T10:00:00.000Z","lines":["t1: m1 x","t2: m2 x"]}"#
        )
        #expect(run.figure(#"streambridge_route_events_digested_total{route="r"}"#) == 3)
        run.pass(.seconds(600))
        #expect(run.take().isEmpty)
    }

    @Test func `each key has its own digest, and a single event reads like itself`() throws {
        let run = try ToolRun(
            #"{"digest": {"window": "60s", "key": "{{ .title }}", "bypass": {"priority": 5}}}"#)
        run.send("one", title: "a")
        run.pass(.seconds(30))
        run.send("long\ntext", title: "b")
        run.send("now", title: "a", priority: 5)
        run.send("two", title: "a")
        #expect(run.messages() == ["now"])
        run.pass(.seconds(30))
        #expect(run.take().map(\.title) == ["a (2)"])
        run.pass(.seconds(30))
        let single = run.take()
        #expect(single.map(\.title) == ["b"])
        #expect(single.map(\.message) == ["long\ntext"])
    }

    @Test func `a digest can have a title of its own`() throws {
        let run = try ToolRun(#"{"digest": {"window": "60s", "title": "Backups"}}"#)
        run.send("one", title: "a")
        run.pass(.seconds(60))
        #expect(run.take().map(\.title) == ["Backups (1)"])
    }

    @Test func `first and last of a digest are the times of the events, also of held ones`() throws {
        let tools = "{\(Self.night)}, \"digest\": {\"window\": \"10m\"}}"
        let run = try ToolRun(tools, at: .at("2026-01-15T23:00:00Z"))
        run.send("one", at: .at("2026-01-15T23:00:00Z"))
        run.pass(.seconds(3600))
        run.send("two", at: .at("2026-01-16T00:00:00Z"))
        // It was delayed on its way.
        run.send("three", at: .at("2026-01-15T22:30:00Z"))
        run.set(.at("2026-01-16T06:00:00Z"))
        run.pass(.seconds(600))
        let payload = run.take().first?.payload.map { String(buffer: $0) }
        #expect(
            payload?.contains(#""first":"2026-01-15T22:30:00.000Z","last":"2026-01-16T00:00:00.000Z""#) == true,
            "\(payload ?? "")")
    }

    @Test func `what bypasses the digest passes at once in quiet hours that make a digest`() throws {
        let tools = "{\(Self.night), \"then\": \"digest\"}, \"digest\": {\"window\": \"10m\", \"bypass\": {\"priority\": 5}}}"
        let run = try ToolRun(tools, at: .at("2026-01-15T23:00:00Z"))
        run.send("night", priority: 3)
        run.send("fire", priority: 5)
        #expect(run.messages() == ["fire"])
        run.set(.at("2026-01-16T06:00:00Z"))
        #expect(run.messages() == ["night"])
    }

    // MARK: sample.every

    @Test func `the latest event of a key passes at the end of each interval`() throws {
        let run = try ToolRun(#"{"sample": {"every": "60s", "key": "{{ $subject }}"}, "throttle": {"max": 2, "per": "1h"}}"#)
        for text in ["1", "2", "3"] { run.send(text) }
        run.send("b", subject: "b")
        #expect(run.take().isEmpty)
        run.pass(.seconds(60))
        #expect(run.messages() == ["3", "b"])
        #expect(run.dropped("sample") == 2)
        run.send("4")
        run.pass(.seconds(60))
        #expect(run.take().isEmpty)
        #expect(run.dropped("throttle") == 1, "later tools see what passes")
    }

    // MARK: Acknowledging and ending

    @Test func `a log in memory passes on what is held when it ends`() throws {
        let run = try ToolRun("{\(Self.night)}, \"digest\": {\"window\": \"60s\"}}", at: .at("2026-01-15T23:00:00Z"))
        run.send("held")
        run.log.finish()
        #expect(run.messages() == ["held"])
        let digest = try ToolRun(#"{"digest": {"window": "60s"}}"#)
        digest.send("joined")
        digest.log.finish()
        #expect(digest.messages() == ["joined"])
    }

    @Test(arguments: [AcknowledgePolicy.logged, .delivered])
    func `a held event is safe for its source once it is written, not before`(policy: AcknowledgePolicy) throws {
        let run = try ToolRun("{\(Self.night)}}", at: .at("2026-01-15T23:00:00Z"), isOnDisk: true, policy: policy)
        run.send("held", repeatKey: 7)
        #expect(run.safe == 0)
        run.commit()
        #expect(run.safe == 1)
        #expect(run.stored?.held.map(\.event.message) == ["held"])
        #expect(run.repeatKeys == [7], "its duplicate is recognised after a restart")
    }
}
