import Synchronization
import Testing

@testable import BridgeCore

@Suite struct RouteTableTests {
    private static func route(
        _ name: String, from sources: Set<String>? = nil, match: String? = nil, when: String? = nil, set: String? = nil,
        to sinks: [SinkIndex],
        stop: Bool = false, compiler: WordCompiler = WordCompiler()
    ) throws -> Route {
        Route(
            name: name, sources: sources, match: try match.map { try decode(Matcher.self, $0) },
            when: try when.map { try compiler.compile($0) },
            shaping: try set.map { try decode(Shaping.self, $0, compiler: compiler) }, targets: sinks.map { .init(sink: $0) },
            stop: stop
        )
    }

    /// The sinks an event goes to, in order.
    private static func sinks(_ table: RouteTable, _ event: Event) -> [SinkIndex] {
        table.routing(of: event, reader: EventReader(), now: .now()) { _, _ in }.plan.entries.map(\.sink)
    }

    @Test func `routes are taken in the order of the file`() throws {
        let table = RouteTable(routes: [
            try Self.route("all", to: [3, 1]),
            try Self.route("subject", match: ##"{"subject": ["house/#", "house/shed/door"]}"##, to: [2]),
            try Self.route("source", match: #"{"source": "home"}"#, to: [0]),
            try Self.route("other", match: #"{"subject": "x"}"#, to: [9]),
            try Self.route("inside", match: #"{"priority": 4}"#, to: [4]),
        ])
        #expect(Self.sinks(table, sampleEvent()) == [3, 1, 2, 0, 4])
        #expect(Self.sinks(table, sampleEvent(priority: 1)) == [3, 1, 2, 0])
        #expect(Self.sinks(table, sampleEvent(source: "y", subject: "x")) == [3, 1, 9, 4])
    }

    @Test func `no later route sees an event that a stopping one took`() throws {
        let table = RouteTable(routes: [
            try Self.route("urgent", match: #"{"priority": 5}"#, to: [0], stop: true),
            try Self.route("shed", match: ##"{"subject": "house/shed/#"}"##, to: [1], stop: true),
            try Self.route("rest", to: [2]),
        ])
        #expect(Self.sinks(table, sampleEvent(priority: 5)) == [0])
        #expect(Self.sinks(table, sampleEvent(priority: 1)) == [1])
        #expect(Self.sinks(table, sampleEvent(priority: 1, subject: "x")) == [2])
    }

    @Test func `a route without targets drops`() throws {
        let table = RouteTable(routes: [
            try Self.route("drop", match: #"{"tags": "shed"}"#, to: [], stop: true), try Self.route("rest", to: [0]),
        ])
        #expect(Self.sinks(table, sampleEvent()).isEmpty)
        #expect(Self.sinks(table, sampleEvent(tags: [])) == [0])
    }

    @Test func `sources of from and of match must both hold`() throws {
        let table = RouteTable(routes: [
            try Self.route("from", from: ["home", "bus"], to: [0]),
            try Self.route("both", from: ["home", "bus"], match: #"{"source": ["bus", "x"]}"#, to: [1]),
            try Self.route("none", from: ["home"], match: #"{"source": "bus"}"#, to: [2]),
        ])
        #expect(Self.sinks(table, sampleEvent(source: "home")) == [0])
        #expect(Self.sinks(table, sampleEvent(source: "bus")) == [0, 1])
        #expect(Self.sinks(table, sampleEvent(source: "x")).isEmpty)
    }

    @Test func `when must be true, and a failure is reported and does not match`() throws {
        let table = RouteTable(routes: [
            try Self.route("true", when: "true", to: [0]), try Self.route("false", when: "false", to: [1]),
            try Self.route("null", when: "null", to: [2]),
            try Self.route("empty", when: "empty", to: [3]), try Self.route("zero", when: "number:0", to: [4]),
            try Self.route("fail", when: "fail", to: [5], stop: true),
            try Self.route("set", set: #"{"title": "{{ fail }}"}"#, to: [6]), try Self.route("last", to: [7]),
        ])
        var failures: [String] = []
        let routing = table.routing(of: sampleEvent(), reader: EventReader(), now: .now()) {
            failures.append("\($0): \($1.message)")
        }
        #expect(routing.plan.entries.map(\.sink) == [0, 4, 7])
        #expect(failures == ["5: it failed", "6: it failed"])
        #expect(routing.shaped.isEmpty)
    }

    private static func key(_ template: String, _ event: Event, name: String = "r", fingerprint: UInt64? = nil) throws -> (
        key: String?, sinks: [SinkIndex], failures: [String]
    ) {
        let dedupe = Route.Dedupe(key: try Template(template, compiler: WordCompiler()), window: .seconds(60))
        let table = RouteTable(routes: [
            Route(name: name, fingerprint: fingerprint, dedupe: dedupe, targets: [.init(sink: 0)])
        ])
        var failures: [String] = []
        let routing = table.routing(of: event, reader: EventReader(), now: .now()) { failures.append("\($0): \($1.message)") }
        return (routing.keys[0]?.text, routing.plan.entries.map(\.sink), failures)
    }

    @Test(
        arguments: [
            ("{{ .payload.k }}", #"{"k":null}"#), ("{{ .payload.k }}", "{}"), ("{{ .payload.k }}", nil),
            ("{{ .payload.k }}", #"{"k":""}"#), ("{{ .payload.k }}", #""text""#), ("{{ .payload.k.deep[2] }}", #"{"k":[1]}"#),
            ("door {{ .payload.k }}", "{}"), ("{{ $subject }} {{ .payload.k }}", #"{"k":null}"#), ("{{ null }}", "{}"),
            ("{{ empty }}", "{}"), ("", "{}"),
        ] as [(String, String?)])
    func `an event without a part of its key has no key, and is delivered`(template: String, payload: String?) throws {
        let found = try Self.key(template, sampleEvent(payload: payload))
        #expect(found.key == nil)
        #expect(found.sinks == [0])
        #expect(found.failures.isEmpty)
    }

    @Test func `an event whose key fails is delivered, and the failure is reported`() throws {
        let found = try Self.key("{{ .title }} {{ fail }}", sampleEvent())
        #expect(found.key == nil)
        #expect(found.sinks == [0])
        #expect(found.failures == ["0: it failed"])
    }

    @Test(arguments: [
        ("{{ .payload.k }}", #"{"k":false}"#, "false"), ("{{ .payload.k }}", #"{"k":0}"#, "0"),
        ("{{ .payload.k }}", #"{"k":{"a":1}}"#, #"{"a":1}"#), ("all", "{}", "all"), ("{{ .payload.k }}", #"{"k":" "}"#, " "),
    ])
    func `any value makes a key`(template: String, payload: String, key: String) throws {
        #expect(try Self.key(template, sampleEvent(payload: payload)).key == "r\0" + key)
    }

    @Test func `keys of a route without a name do not go by its place`() throws {
        let first = try Self.key("all", sampleEvent(), name: "route-1", fingerprint: 7).key
        #expect(try Self.key("all", sampleEvent(), name: "route-2", fingerprint: 7).key == first)
        #expect(try Self.key("all", sampleEvent(), name: "route-1", fingerprint: 8).key != first)
    }

    @Test func `an expression is not evaluated for events that match refuses`() throws {
        let count = Mutex(0)
        let compiler = WordCompiler { count.withLock { $0 += 1 } }
        let table = RouteTable(routes: [
            try Self.route("r", match: #"{"priority": 1}"#, when: "true", to: [0], compiler: compiler)
        ])
        #expect(Self.sinks(table, sampleEvent(priority: 2)).isEmpty)
        #expect(count.withLock { $0 } == 0)
        #expect(Self.sinks(table, sampleEvent(priority: 1)) == [0])
        #expect(count.withLock { $0 } == 1)
    }

    @Test func `changed copies are numbered in the plan`() throws {
        let table = RouteTable(routes: [
            try Self.route("a", set: #"{"title": "a"}"#, to: [0, 1]), try Self.route("b", to: [2]),
            try Self.route("c", match: #"{"priority": 4}"#, set: #"{"title": "c"}"#, to: [3]),
            try Self.route("d", set: #"{"title": "d"}"#, to: [4]),
        ])
        let all = table.routing(of: sampleEvent(), reader: EventReader(), now: .now()) { _, _ in }
        #expect(all.plan.entries.map(\.shape) == [0, 0, -1, 1, 2])
        #expect(all.plan.entries.map(\.route) == [0, 0, 1, 2, 3])
        #expect(all.shaped.map(\.title) == ["a", "c", "d"])
        let some = table.routing(of: sampleEvent(priority: 1), reader: EventReader(), now: .now()) { _, _ in }
        #expect(some.plan.entries.map(\.shape) == [0, 0, -1, 1])
        #expect(some.shaped.map(\.title) == ["a", "d"])
    }

    @Test func `a gap reaches every route of its source, once per target`() throws {
        let table = RouteTable(routes: [
            try Self.route("a", match: #"{"priority": 5, "subject": "x"}"#, set: #"{"title": "x"}"#, to: [0, 1], stop: true),
            try Self.route("b", from: ["bus"], to: [2]), try Self.route("c", from: ["home"], when: "false", to: [1, 3]),
        ])
        let gap = table.routing(of: sampleEvent(kind: .gap), reader: EventReader(), now: .now()) { _, _ in }
        #expect(gap.plan.entries.map(\.sink) == [0, 1, 3])
        #expect(gap.plan.entries.map(\.route) == [0, 0, 2])
        #expect(gap.plan.entries.allSatisfy { $0.shape == -1 })
        #expect(gap.shaped.isEmpty)
        #expect(Self.sinks(table, sampleEvent(source: "bus", kind: .gap)) == [0, 1, 2])
        #expect(Self.sinks(table, sampleEvent(source: "new", kind: .gap)) == [0, 1])
    }

    @Test func `targets that differ in their settings are two targets`() throws {
        let targets: [Route.Target] = [.init(sink: 0), .init(sink: 0, variant: 1)]
        let table = RouteTable(routes: [Route(name: "a", targets: targets), Route(name: "b", targets: targets)])
        #expect(Self.sinks(table, sampleEvent(kind: .gap)) == [0, 0])
        #expect(Self.sinks(table, sampleEvent()) == [0, 0, 0, 0])
    }

    @Test func `an event that was given up is never routed`() throws {
        let table = RouteTable(routes: [try Self.route("all", to: [0])])
        #expect(Self.sinks(table, sampleEvent(kind: .deadLetter)).isEmpty)
    }

    @Test func `events that go the same way share their plan`() throws {
        let table = RouteTable(routes: [
            try Self.route("a", match: ##"{"subject": "house/#"}"##, to: [0]),
            try Self.route("b", match: #"{"priority": [1, 2]}"#, to: [1]),
        ])
        func plan(_ event: Event) -> RoutePlan { table.routing(of: event, reader: EventReader(), now: .now()) { _, _ in }.plan }
        #expect(plan(sampleEvent(subject: "house/a")) === plan(sampleEvent(subject: "house/b")))
        #expect(plan(sampleEvent(priority: 1)) === plan(sampleEvent(priority: 2)))
        #expect(plan(sampleEvent(priority: 1)) !== plan(sampleEvent(priority: 3)))
        #expect(plan(sampleEvent(subject: "x")) === plan(sampleEvent(source: "y", subject: "z")))
    }

    @Test func `more than 64 routes with conditions`() throws {
        let routes = try (0..<150).map {
            try Self.route("r\($0)", match: #"{"payload.n": {"lte": \#($0)}}"#, to: [SinkIndex($0)])
        }
        let table = RouteTable(routes: routes)
        for count in [0, 63, 64, 65, 127, 128, 149] {
            let event = sampleEvent(payload: #"{"n":\#(count)}"#)
            #expect(Self.sinks(table, event) == (count..<150).map { SinkIndex($0) })
            #expect(Self.sinks(table, event) == (count..<150).map { SinkIndex($0) }, "and again from what was kept")
        }
    }

    @Test func `an event meets only the routes of its subject, however many there are`() throws {
        for count in [10, 10_000] {
            let evaluations = Mutex(0)
            let compiler = WordCompiler { evaluations.withLock { $0 += 1 } }
            let when = try compiler.compile("true")
            let routes = try (0..<count).map { index in
                Route(
                    name: "r", match: try decode(Matcher.self, #"{"subject": "house/\#(index)/+"}"#), when: when,
                    targets: [.init(sink: SinkIndex(index))])
            }
            let table = RouteTable(routes: routes)
            #expect(Self.sinks(table, sampleEvent(subject: "house/7/x")) == [7])
            #expect(evaluations.withLock { $0 } == 1)
        }
    }

    @Test func `cached subjects are bounded`() {
        var cache = SubjectCache()
        let candidates = Candidates([], routes: [])
        for index in 0..<(5 * SubjectCache.capacity) {
            cache.insert(candidates, for: "s/\(index)")
            #expect(cache.find("s/0") != nil, "what is in use stays")
        }
        #expect(cache.count <= 2 * SubjectCache.capacity)
        cache.insert(candidates, for: String(repeating: "x", count: SubjectCache.longestSubject + 1))
        #expect(cache.find(String(repeating: "x", count: SubjectCache.longestSubject + 1)) == nil)
    }

    @Test func `failures are counted for the routes that a source can reach and that evaluate something`() throws {
        let table = RouteTable(routes: [
            try Self.route("all", when: "true", to: [0]),
            try Self.route("plain", to: [0]),
            try Self.route("home", from: ["home"], match: #"{"priority": {"gte": 3}}"#, when: "true", to: [0]),
            try Self.route("other", from: ["other"], set: #"{"title": "t"}"#, to: [0]),
        ])
        #expect(table.failing(for: "home") == [0, 2])
        #expect(table.failing(for: "other") == [0, 3])
        #expect(table.failing(for: "third") == [0])
    }

    @Test func `several threads may ask at once`() async throws {
        let table = RouteTable(routes: [
            try Self.route("a", match: ##"{"subject": "house/+/1"}"##, to: [0]),
            try Self.route("b", match: #"{"priority": {"gte": 3}}"#, to: [1]),
        ])
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let reader = EventReader()
                    var wrong = 0
                    for index in 0..<2000 {
                        let event = sampleEvent(priority: index % 5 + 1, subject: "house/\(index % 300)/\(index % 2)")
                        let sinks = table.routing(of: event, reader: reader, now: event.timestamp) { _, _ in }.plan.entries.map(
                            \.sink)
                        let expected: [SinkIndex] = (index % 2 == 1 ? [0] : []) + (index % 5 >= 2 ? [1] : [])
                        if sinks != expected { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}
