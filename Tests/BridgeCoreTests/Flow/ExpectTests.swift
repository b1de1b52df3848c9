import NIOCore
import Testing

@testable import BridgeCore

/// `expect`, which makes an event of an absence and of its end.
struct ExpectTests {
    @Test func `silence makes one event, and its end another`() throws {
        let run = try ToolRun(#"{"expect": {"every": "15m"}}"#)
        run.send("beat")
        run.pass(.seconds(899))
        #expect(run.take().isEmpty, "the events themselves do not pass")
        run.pass(.seconds(1))
        let missing = run.take()
        #expect(missing.map(\.title) == ["r is missing"])
        #expect(missing.map(\.message) == ["No event for 15m; the last came at 2026-01-15T10:00:00.000Z"])
        #expect(missing.map(\.priority) == [4])
        #expect(missing.map(\.tags) == [["missing"]])
        #expect(missing.map(\.subject) == ["a"])
        #expect(
            missing.first?.payload.map { String(buffer: $0) }
                == #"{"expect":"missing","last":"2026-01-15T10:00:00.000Z","seconds":900}"#)
        #expect(run.figure(#"streambridge_route_missing{route="r"}"#) == 1)
        run.pass(.seconds(86_400))
        #expect(run.take().isEmpty, "an absence is reported once")
        run.send("beat")
        let back = run.take()
        #expect(back.map(\.title) == ["r is back"])
        #expect(back.map(\.message) == ["First event after 1455m"])
        #expect(run.figure(#"streambridge_route_missing{route="r"}"#) == 0)
        run.pass(.seconds(900))
        #expect(run.take().map(\.title) == ["r is missing"])
    }

    @Test func `events that come in time keep it silent`() throws {
        let run = try ToolRun(#"{"expect": {"every": "15m"}}"#)
        for _ in 0..<100 {
            run.send("beat")
            run.pass(.seconds(899))
        }
        #expect(run.take().isEmpty)
    }

    @Test func `without a key, silence from the start on is noticed`() throws {
        let run = try ToolRun(#"{"expect": {"every": "15m", "priority": 5}}"#)
        run.pass(.seconds(900))
        let missing = run.take()
        #expect(missing.map(\.message) == ["No event for 15m; none has come since 2026-01-15T10:00:00.000Z"])
        #expect(missing.map(\.priority) == [5])
        #expect(missing.map(\.source) == ["r"])
    }

    @Test func `each key is expected once it was seen`() throws {
        let run = try ToolRun(#"{"expect": {"every": "15m", "key": "{{ $subject }}"}}"#)
        run.pass(.seconds(3600))
        #expect(run.take().isEmpty)
        run.send("x", subject: "a")
        run.pass(.seconds(600))
        run.send("x", subject: "b")
        run.pass(.seconds(300))
        #expect(run.take().map(\.title) == ["a is missing"])
        run.pass(.seconds(600))
        #expect(run.take().map(\.title) == ["b is missing"])
        run.send("x", subject: "b")
        #expect(run.take().map(\.title) == ["b is back"])
    }
}
