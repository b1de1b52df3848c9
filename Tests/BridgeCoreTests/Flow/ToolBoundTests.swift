import BridgeTesting
import Synchronization
import Testing

@testable import BridgeCore

/// What the tools of a route remember is bounded, and what they hold passes early rather than being lost.
struct ToolBoundTests {
    private static let night = #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}}"#

    private func reached(_ run: ToolRun) -> Int { run.figure(#"streambridge_route_limits_reached_total{route="r"}"#) }

    @Test func `the keys that were not used for longest are forgotten`() throws {
        let run = try ToolRun(#"{"throttle": {"per": "1h", "key": "{{ .message }}"}}"#)
        for number in 0..<KeyTable<Int>.limit { run.send("\(number)") }
        #expect(run.messages().count == KeyTable<Int>.limit)
        #expect(self.reached(run) == 0)
        run.send("one more")
        #expect(self.reached(run) == 1)
        run.send("9999")
        run.send("0")
        #expect(run.messages() == ["one more", "0"], "the oldest key has a new limit, the newest has its own")
        let count = run.log.state.withLock { $0.machine.flow?.flows[0]?.windows.count }
        #expect(count == KeyTable<Int>.limit + 2 - KeyTable<Int>.limit / 8)
    }

    @Test func `a long key is kept as its beginning and a hash`() {
        let one = ToolReading.bounded(String(repeating: "\u{E4}", count: 5000) + "1")
        let two = ToolReading.bounded(String(repeating: "\u{E4}", count: 5000) + "2")
        #expect(one != two)
        #expect(one.utf8.count <= ToolReading.textLimit)
        #expect(ToolReading.bounded("short") == "short")
    }

    @Test func `more held events than fit pass early, the oldest first`() throws {
        let run = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        for number in 0..<RouteFlow.heldLimit.events + 2 { run.send("\(number)") }
        #expect(run.messages() == ["0", "1"])
        #expect(self.reached(run) == 2)
        #expect(run.stored?.held.count == RouteFlow.heldLimit.events)
    }

    @Test func `larger held events than fit pass early`() throws {
        let run = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"))
        let body = #"{"x":"\#(String(repeating: "x", count: 1 << 20))"}"#
        for number in 0..<17 { run.send("\(number)", payload: body) }
        #expect(!run.messages().isEmpty)
        let weight = run.log.state.withLock { $0.machine.flow?.flows[0]?.heldWeight } ?? 0
        #expect(weight > 0 && weight <= RouteFlow.heldLimit.bytes)
    }

    @Test func `a source pauses while more held events than fit wait for the disk`() throws {
        let run = try ToolRun(Self.night, at: .at("2026-01-15T23:00:00Z"), isOnDisk: true)
        let body = #"{"x":"\#(String(repeating: "x", count: 1 << 20))"}"#
        for number in 0..<40 { run.send("\(number)", payload: body) }
        #expect(run.log.parts.marks[0].isPaused)
        run.commit()
        #expect(!run.log.parts.marks[0].isPaused)
    }

    @Test func `the latest events of more keys than fit pass early`() throws {
        let run = try ToolRun(#"{"sample": {"every": "1h", "key": "{{ .message }}"}}"#)
        for number in 0..<RouteFlow.heldLimit.events + 1 { run.send("\(number)") }
        #expect(run.messages().count == 1)
        #expect(self.reached(run) == 1)
    }

    @Test func `the oldest of too many digests passes early`() throws {
        let run = try ToolRun(#"{"digest": {"window": "1h", "key": "{{ .message }}"}}"#)
        for number in 0..<RouteFlow.groupLimit + 1 {
            run.send("\(number)")
            if number == 0 { run.pass(.seconds(1)) }
        }
        #expect(run.messages() == ["0"])
        #expect(self.reached(run) == 1)
    }

    @Test func `a digest of many events is bounded`() throws {
        let run = try ToolRun(#"{"digest": {"window": "1h", "lines": 100}}"#, isOnDisk: true)
        for number in 0..<500 { run.send("\(number)" + String(repeating: "x", count: 1000)) }
        run.commit()
        let state = try #require(run.stored?.states.first)
        #expect(state.text.utf8.count < 32_000)
        run.pass(.seconds(3600))
        #expect(run.take().map(\.title) == ["500 events"])
    }

    @Test func `of too many expected keys the new ones are not tracked, unless one is missing`() throws {
        let run = try ToolRun(#"{"expect": {"every": "1h", "key": "{{ .message }}"}}"#)
        let limit = KeyTable<Int>.limit
        for number in 0..<limit + 1 { run.send("\(number)") }
        #expect(self.reached(run) == 1)
        run.pass(.seconds(1800))
        for number in 1..<limit { run.send("\(number)") }
        run.pass(.seconds(1800))
        #expect(run.take().map(\.title) == ["0 is missing"])
        run.send("new")
        run.pass(.seconds(1800))
        var names: Set<String> = []
        while case let events = run.take(), !events.isEmpty {
            names.formUnion(events.map { $0.title ?? "" })
            run.pass(.seconds(1))
        }
        #expect(names.count == limit - 1)
        #expect(!names.contains("\(limit) is missing"))
        run.pass(.seconds(1800))
        #expect(run.take().map(\.title) == ["new is missing"])
    }

    @Test func `what is due comes out in order`() {
        var random = SeededGenerator(seed: 7)
        var heap = DueHeap()
        var times = (0..<1000).map { _ in Int64.random(in: 0..<500, using: &random) }
        for (index, time) in times.enumerated() { heap.push("\(index)", due: Timestamp(milliseconds: time)) }
        times.sort()
        var found: [Int64] = []
        var keys: Set<String> = []
        while let first = heap.popFirst() {
            found.append(first.due.milliseconds)
            keys.insert(first.key)
        }
        #expect(found == times)
        #expect(keys.count == 1000)
    }
}
