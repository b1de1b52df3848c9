import BridgeConfiguration
import BridgeCore
import Logging
import Testing

struct BridgeLoaderTests {
    private let correct = """
        version: 1
        service: { name: home, state_dir: /var/lib/x, drain: 10s, max_hops: 3, log: { level: debug, format: json } }
        http: { listen: "[::1]:9000", max_connections: 5 }
        log: { kind: memory, retain: { events: 10, bytes: 1KiB } }
        defaults:
          dead_letter: undelivered
          unrouted: dead_letter
          event: { title: 10, message: 20, absent_title: omit }
          source: { ack: received }
          sink: { buffer: { events: 7, on_full: drop_oldest }, retry: { attempts: 3 } }
        sources:
          one: { type: fake, url: here, port: 5 }
          two: { type: fake, url: there, ack: delivered, on_gap: count, required: false, retry: { initial: 2s } }
        sinks:
          out: { type: fake, topic: plain, buffer: { bytes: 1MiB } }
          undelivered: { type: fake, retry: { attempts: 9 } }
        routes:
          - { name: first, from: one, to: [out, { sink: out, with: { topic: other } }], stop: true }
          - { from: [one, two], to: out }
          - to: undelivered
        """

    @Test func `a correct file becomes a plan`() throws {
        let plan = try load(self.correct)
        #expect(plan.service.name == "home")
        #expect(plan.service.drain == .seconds(10))
        #expect(plan.service.logLevel == .debug)
        #expect(plan.http.host == "::1")
        #expect(plan.http.port == 9000)
        #expect(plan.log == .memory(LogLimits(events: 10, bytes: 1024)))
        #expect(plan.limits == EventLimits(title: 10, message: 20, absentTitle: nil))
        #expect(plan.unroutedSink == 1)
        #expect(plan.sources.map(\.acknowledge) == [.received, .delivered])
        #expect(plan.sources.map(\.emitsGaps) == [true, false])
        #expect(plan.sources.map(\.isRequired) == [true, false])
        #expect(plan.sources[1].retry.initial == .seconds(2))
        #expect(plan.sinks[0].delivery.events == 7)
        #expect(plan.sinks[0].delivery.bytes == 1 << 20)
        #expect(plan.sinks[0].delivery.onFull == .dropOldest)
        #expect(plan.sinks[0].delivery.deadLetter == "undelivered")
        #expect(plan.sinks[1].delivery.deadLetter == nil, "the dead letters' own sink has none")
        #expect(plan.sinks[1].delivery.retry.attempts == 9)
        #expect(plan.sinks[0].variants.count == 2)
        #expect(plan.routes.map(\.name) == ["first", "route-2", "route-3"])
        #expect(plan.routes[0].targets.map(\.sink) == [0, 0] && plan.routes[0].targets.map(\.variant) == [0, 1])
        #expect(plan.routes[0].stop)
        #expect(plan.routes[1].sources == ["one", "two"])
        #expect(plan.routes[2].sources == nil)
        #expect(plan.routes.map(\.onError) == [.deadLetter, .deadLetter, .deadLetter])
    }

    @Test func `a route configures what happens when its expressions fail`() throws {
        let text = """
            sources: { in: { type: fake, url: here } }
            sinks: { out: { type: fake, topic: plain } }
            routes:
              - { set: { title: "{{ .message }}" }, on_error: ignore, to: out }
              - { set: { title: "{{ .message }}" }, on_error: dead_letter, to: out }
            """
        #expect(try load(text).routes.map(\.onError) == [.ignore, .deadLetter])
    }

    @Test func `the listener's trust settings are read from the file`() throws {
        let http = try load(
            """
            http:
              max_connections: 7
              limits: { buffered: 4MiB, streams_per_connection: 100 }
              allowed_hosts: [Bridge.Example.com, "*.home.arpa"]
              publish_origins: ["https://App.example.com:8443"]
              trusted_proxies: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7]
            sources: { in: { type: fake, url: x } }
            sinks: { out: { type: fake } }
            routes: [{ to: out }]
            """
        ).http
        #expect(http.maximumConnections == 7)
        #expect(http.limits == HTTPLimits(buffered: 4 << 20, bufferedPerConnection: 4 << 20, streamsPerConnection: 100))
        #expect(http.allowedHosts == ["bridge.example.com", "*.home.arpa"])
        #expect(http.publishOrigins == ["https://app.example.com:8443"])
        #expect(http.trustedProxies.map(\.prefix) == [104, 32, 128])
        #expect(http.trustedProxies[0].address == [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0, 0, 0])
    }

    @Test func `every mistake is reported at once with its place`() {
        let found = mistakes(
            """
            sources:
              home: { type: fake, url: here, port: 70000, timeout: soon, topcis: [a] }
              other: { type: kafka }
              third: { type: fake, url: x, port: many, ack: maybe }
            sinks:
              out: { type: fake, bufer: {} }
            routes:
              - { from: hmoe, to: [out, uot_], when: wrong }
              - { from: home }
            """
        )
        #expect(
            found == [
                "bridges.yaml:2:40: error: sources.home.port: 70000 is out of range; 1 to 65535 is allowed",
                "bridges.yaml:2:56: error: sources.home.timeout: invalid duration 'soon'; write a number and a unit (ms, s, m, h, d), such as 30s",
                "bridges.yaml:2:62: error: sources.home: unknown key 'topcis'; did you mean 'topics'?",
                "bridges.yaml:3:18: error: sources.other.type: no source is called 'kafka'; there are fake",
                "bridges.yaml:4:38: error: sources.third.port: must be a whole number",
                "bridges.yaml:4:49: error: sources.third.ack: 'maybe' is not one of received, logged, delivered",
                "bridges.yaml:6:22: error: sinks.out: unknown key 'bufer'; did you mean 'buffer'?",
                "bridges.yaml:8:13: error: routes[0].from: no source is called 'hmoe'; did you mean 'home'?",
                "bridges.yaml:8:29: error: routes[0].to[1]: no sink is called 'uot_'; there are out",
                "bridges.yaml:8:42: error: routes[0].when: 'wrong' is not defined",
                "bridges.yaml:9:5: error: routes[1]: 'to' is missing; name at least one sink",
            ]
        )
    }

    @Test(arguments: [
        ("", "1:1: error: the file is empty; it needs sources, sinks and routes"),
        ("# only a comment", "1:1: error: the file is empty; it needs sources, sinks and routes"),
        ("[1, 2]", "1:1: error: must be a mapping with sources, sinks and routes"),
        ("\u{FEFF}# only a comment", "1:1: error: the file is empty; it needs sources, sinks and routes"),
    ])
    func `an invalid file is reported in one line`(text: String, expected: String) {
        #expect(mistakes(text).first?.hasSuffix(expected) == true, "\(mistakes(text))")
    }

    @Test(arguments: [
        ("version: 2", "unsupported version '2'; expected 1"),
        ("http: { listen: nowhere }", "'nowhere' is not an address; write host:port, such as 127.0.0.1:8080, [::]:8080 or :8080"),
        (
            "http: { listen: \"1.2.3.4:99999\" }",
            "http.listen: '99999' is not a port; a port is 0 to 65535"
        ),
        ("http: { listen: \":99999999999999999999\" }", "'99999999999999999999' is not a port; a port is 0 to 65535"),
        ("http: { listen: \"99999\" }", "'99999' is not an address; write host:port, such as 127.0.0.1:8080, [::]:8080 or :8080"),
        ("\u{A0}http: {}", "; it holds the invisible character U+00A0"),
        ("http: { lis\u{200B}ten: \":1\" }", "; it holds the invisible character U+200B"),
        ("log: { kind: sqlite, path: x, retain: { bytes: 1G } }", "write a number and KiB, MiB or GiB, such as 1GiB"),
        ("log: { kind: sqlite, path: x, retain: { bytes: 10 MB } }", "write a number and KiB, MiB or GiB, such as 10MiB"),
        ("http: { tls: { cert_file: a } }", "'key_file' is missing"),
        ("http: { max_connections: 0 }", "0 is out of range; 1 to 10000000 is allowed"),
        ("http: { limits: { buffered: 1KiB } }", "http.limits.buffered: must be 1MiB or more, to leave room for requests"),
        (
            "http: { limits: { buffered: 1MiB, buffered_per_connection: 2MiB } }",
            "http.limits.buffered_per_connection: must be at least 64KiB, and no more than buffered"
        ),
        ("http: { limits: { streams_per_connection: 99 } }", "99 is out of range; 100 to 250 is allowed"),
        (
            "http: { limits: { bufferd: 1MiB } }",
            "http.limits: unknown key 'bufferd'; did you mean 'buffered'?"
        ),
        (
            "http: { allowed_hosts: [\"http://a\"] }",
            "'http://a' is not a host; write a name or address without scheme, port and path, such as bridge.example.com, *.example.com or *"
        ),
        (
            "http: { publish_origins: [app.example.com] }",
            "'app.example.com' is not an origin; write scheme, host and port without a slash at the end, such as https://app.example.com, or *"
        ),
        (
            "http: { trusted_proxies: [10.0.0.0/33] }",
            "'10.0.0.0/33' is not an address or network; write one such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
        ),
        ("service: { name: \"a b\" }", "invalid name 'a b'; use 1 to 64 letters, digits, '.', '_' and '-'"),
        ("service: { log: { level: loud } }", "'loud' is not one of trace, debug, info, notice, warning, error, critical"),
        ("log: { kind: sqlite }", "sqlite needs a file; set path, or service.state_dir"),
        ("log: { kind: sqlite, path: x, retain: { events: 0 } }", "0 is out of range; 1 to 1000000000 is allowed"),
        ("log: { kind: sqlite, path: x, retain: { age: 0s } }", "log.retain.age: must be more than 0, such as 1h"),
        (
            "log: { kind: sqlite, path: x, retain: { bytes: 1023KiB } }",
            "log.retain.bytes: 1047552 is too small for a file; write 1MiB or more"
        ),
        ("log: { retain: { bytes: 0 } }", "log.retain.bytes: must be more than 0, such as 64MiB"),
        (
            "log: { kind: sqlite, path: x, retain: { dead_letters: { events: 0 } } }",
            "log.retain.dead_letters.events: 0 is out of range; 1 to 1000000000 is allowed"
        ),
        (
            "log: { kind: sqlite, path: x, retain: { dead_letters: { bytes: 64KiB } } }",
            "log.retain.dead_letters.bytes: 65536 is too small for a file; write 1MiB or more"
        ),
        (
            "log: { kind: sqlite, path: x, retain: { dead_letters: { age: 0d } } }",
            "log.retain.dead_letters.age: must be more than 0, such as 30d; leave it out for no limit"
        ),
        (
            "log: { kind: sqlite, path: x, retain: { dead_letters: { evnts: 1 } } }",
            "log.retain.dead_letters: unknown key 'evnts'; did you mean 'events'?"
        ),
        (
            "log: { retain: { dead_letters: { events: 1 } } }",
            "log.retain.dead_letters: has no effect on a log in memory, which keeps no dead letters; write kind: sqlite, or leave it out"
        ),
        ("defaults: { dead_letter: nowhere }", "no sink is called 'nowhere'; there are out"),
        ("defaults: { unrouted: dead_letter }", "dead_letter needs a sink for the dead letters; set defaults.dead_letter"),
        ("defaults: { unrouted: keep }", "'keep' is not one of drop, dead_letter"),
        ("defaults: { sink: { buffer: { on_full: explode } } }", "'explode' is not one of block, drop_oldest, dead_letter"),
        (
            "defaults: { sink: { buffer: { on_full: dead_letter } } }",
            "on_full: dead_letter needs a sink for the dead letters; set dead_letter here or in defaults"
        ),
        ("defaults: { sink: { retry: { factor: 0.5 } } }", "0.5 is out of range; 1 to 100 is allowed"),
        (
            "defaults: { sink: { retry: { initial: 1h, max: 1s } } }",
            "defaults.sink.retry.initial: is longer than max; lower it, or raise max"
        ),
        ("service: { state_dir: \"\" }", "service.state_dir: is empty; name a directory or leave it out"),
        ("http: { access: }", "http.access: has no value; write one or leave it out"),
        (
            "http: { access: { tokens: [{ token: a }, { token: b }, { token: a }] } }",
            "http.access.tokens: entry 3 has the token of entry 1; give each its own, or one entry with the grants of both"
        ),
        (
            "extra: 1",
            "unknown key 'extra'; there are connections, defaults, home_assistant, http, include, log, routes, service, sinks, sources, tests, version"
        ),
    ])
    func `an invalid setting is refused with the remedy`(line: String, expected: String) {
        let file = line + "\nsources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"
        #expect(mistakes(file).contains { $0.hasSuffix(expected) }, "\(mistakes(file))")
    }

    @Test(arguments: [
        ("in: { type: fake, url: bad }", "sources.in.url: 'bad' is not an address; write scheme://host"),
        ("in: { type: fake, url: forgetful }", "sources.in.url: ack: delivered needs a peer that remembers"),
        ("in: { url: x }", "sources.in: 'type' is missing; there are fake"),
        ("in: text", "sources.in: must be a mapping with a 'type' or a 'preset'"),
        ("'a/b': { type: fake, url: x }", "invalid name 'a/b'; use letters, digits, '.', '_' and '-'"),
        ("in: { type: fake, url: [1] }", "sources.in.url: must be text; write one value, not a list"),
        ("in: { type: fake }", "sources.in: 'url' is missing"),
        ("in: { type: fake, url: x, topics: one }", "sources.in.topics: must be a list; write it in brackets, such as [a, b]"),
        (
            "{ a: { type: fake, url: x, port: 3 }, b: { type: fake, url: x, port: 3 } }",
            "sources.b: the port 3 belongs to sources.a already (line 1)"
        ),
    ])
    func `an invalid source is refused`(source: String, expected: String) {
        let file =
            "sources: { \(source.hasPrefix("{") ? String(source.dropFirst().dropLast()) : source) }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"
        #expect(mistakes(file).contains { $0.hasSuffix(expected) }, "\(mistakes(file))")
    }

    @Test(arguments: [
        ("{ to: [out, out] }", "routes[0].to[1]: the sink 'out' is listed twice in this route; remove one"),
        ("{ to: [{ with: {} }] }", "routes[0].to[0]: must be the name of a sink, or {sink: NAME, with: {…}}"),
        (
            "{ to: { sink: out, with: { host: x } } }",
            "routes[0].to.with.host: 'host' of a fake sink cannot be set per route; topic can"
        ),
        (
            "{ to: { sink: out, with: { topic: \"{{ wrong }}\" } } }",
            "routes[0].to.with.topic: in '{{ wrong }}': 'wrong' is not defined"
        ),
        ("{ to: out, stop: perhaps }", "routes[0].stop: must be true or false"),
        ("{ to: out, when: 'true', on_error: retry }", "routes[0].on_error: must be dead_letter or ignore"),
        (
            "{ to: out, on_error: ignore }",
            "routes[0].on_error: has no effect without 'when' or 'set'; add one of them or leave it out"
        ),
        ("{ to: out, from: [] }", "routes[0].from: is empty; name a source, or leave it out to take from all"),
        ("{ to: out, froom: in }", "routes[0]: unknown key 'froom'; did you mean 'from'?"),
        ("{ match: { source: nope }, to: out }", "routes[0].match.source: no source is called 'nope'; there are in"),
        (
            "{ match: { any: [{ source: [in, on] }, { not: { source: in } }] }, to: out }",
            "routes[0].match.any[0].source[1]: no source is called 'on'; did you mean 'in'?"
        ),
        ("{ name: a, to: out }, { name: a, to: out }", "routes[1].name: the name 'a' is used twice; give each route its own"),
    ])
    func `an invalid route is refused`(route: String, expected: String) {
        let file = "sources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake } }\nroutes: [\(route)]\n"
        #expect(mistakes(file).contains { $0.hasSuffix(expected) }, "\(mistakes(file))")
    }

    @Test(arguments: [
        ("match: { priority: loud }", "routes[0].match.priority: "), ("match: { titel: x }", "routes[0].match.titel: "),
        ("match: { any: [{ titel: x }] }", "routes[0].match.any[0].titel: "),
        ("set: { titel: x }", "routes[0].set: unknown key 'titel'; did you mean 'title'?"),
        ("set: { title: \"{{ wrong }}\" }", "routes[0].set.title: "), ("match: {}", "routes[0].match: a filter needs a key"),
        ("set: {}", "routes[0].set: set needs a key"),
    ])
    func `one mistake in a filter or a shape is reported as one`(part: String, expected: String) {
        let found = mistakes(
            "sources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out, \(part) }]\n")
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    private static func routes(_ routes: String) throws -> [Route] {
        let file = "sources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake }, other: { type: fake } }\nroutes:\n"
        return try load(file + routes).routes
    }

    @Test func `a route without a name is identified by its content at any place`() throws {
        let first = "  - { match: { title: a }, to: [{ sink: out, with: { topic: x } }] }\n"
        let second = "  - { match: { title: b }, to: { with: { topic: 'y' }, sink: out } }\n"
        let routes = try Self.routes(first + second)
        let moved = try Self.routes("  - { name: new, to: other }\n" + second + first)
        #expect(routes.map(\.name) == ["route-1", "route-2"])
        #expect(moved.map(\.name) == ["new", "route-2", "route-3"])
        #expect(moved[0].fingerprint == nil && moved[0].identity == "new")
        #expect(moved[1...].map(\.identity) == routes.reversed().map(\.identity))
        #expect(moved[1...].map { $0.targets[0].settings } == routes.reversed().map { $0.targets[0].settings })
        #expect(routes[0].identity != routes[1].identity)
        #expect(routes[0].targets[0].settings != routes[1].targets[0].settings)
        let corrected = try Self.routes("  - { to: { sink: out, with: { topic: z } }, match: { title: a } }\n" + second)
        #expect(corrected[0].identity == routes[0].identity, "what with: sets may be corrected")
        #expect(corrected[0].targets[0].settings != routes[0].targets[0].settings)
    }

    @Test func `where only settings distinguish routes, changed settings make another route`() throws {
        func targets(_ topics: String...) -> String {
            topics.map { "{ sink: out, with: { topic: \($0) } }" }.joined(separator: ", ")
        }
        let both = try Self.routes("  - { to: [\(targets("x"))] }\n  - { to: [\(targets("y"))] }\n")
        let one = try Self.routes("  - { to: [\(targets("y"))] }\n")
        #expect(both[0].identity != both[1].identity)
        #expect(!both.map(\.identity).contains(one[0].identity))
        let twice = try Self.routes("  - { match: { title: a }, to: [\(targets("x", "y"))] }\n")
        let changed = try Self.routes("  - { match: { title: a }, to: [\(targets("x", "z"))] }\n")
        #expect(twice[0].identity != changed[0].identity)
    }

    @Test func `the dead-letter sink blocks when the default policy makes dead letters`() throws {
        let plan = try load(
            """
            defaults: { dead_letter: last, sink: { buffer: { on_full: dead_letter } } }
            sources: { in: { type: fake, url: x } }
            sinks: { out: { type: fake }, last: { type: fake } }
            routes: [{ to: out }]
            """
        )
        #expect(plan.sinks.map(\.delivery.onFull) == [.deadLetter, .block])
    }

    @Test func `unused sources and sinks draw a warning`() throws {
        let plan = try load(
            "sources: { a: { type: fake, url: x }, b: { type: fake, url: x, port: 2 } }\nsinks: { c: { type: fake }, d: { type: fake } }\n"
                + "routes: [{ from: a, to: c }]"
        )
        #expect(
            plan.warnings.map(\.message) == [
                "no route reads this source; add one, or remove the source",
                "no route leads to this sink; add one, or remove the sink",
            ])
    }

    @Test func `the log settings can be read without resolving the rest`() throws {
        let rest = """
            sources: { in: { type: unknown, token: "${env:SECRET}" } }
            sinks: { out: { type: unknown, token: "${file:/no/where}" }, other: {} }
            """
        let loader = BridgeLoader(
            catalog: AdapterCatalog(), expressions: FakeCompiler(), environment: ["PLACE": "/var/x"],
            readFile: { throw Unreadable(path: $0) })
        let (log, sinks) = try loader.loadLog(text: "log: { kind: sqlite, path: '${env:PLACE}/e.db' }\n" + rest, file: "b.yaml")
        #expect(log == .disk(DurableLogSettings(path: "/var/x/e.db")))
        #expect(sinks == ["out", "other"])
        let limits = "retain: { dead_letters: { events: 10, bytes: 2MiB, age: 30d } }"
        let (bounded, _) = try loader.loadLog(text: "log: { kind: sqlite, path: e.db, \(limits) }\n" + rest, file: "b.yaml")
        let letters = DeadLetterLimits(events: 10, bytes: 2 << 20, age: .seconds(30 * 86_400))
        #expect(bounded == .disk(DurableLogSettings(path: "e.db", letters: letters)))
        let beside = "service: { name: '${env:NAME}', state_dir: '${env:PLACE}' }\nlog: { kind: sqlite }\n"
        #expect(
            try loader.loadLog(text: beside + rest, file: "b.yaml").log == .disk(DurableLogSettings(path: "/var/x/events.db")))
        #expect(throws: ConfigurationErrors.self) {
            try loader.loadLog(text: "log: { kind: sqlite, path: '${env:NAME}' }\n" + rest, file: "b.yaml")
        }
    }

    /// A file that does not exist.
    private struct Unreadable: Error {
        let path: String
    }

    @Test func `every truncation of a correct file is accepted or refused`() {
        for length in 0..<self.correct.utf8.count {
            _ = mistakes(String(decoding: self.correct.utf8.prefix(length), as: UTF8.self))
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = Array(self.correct.utf8)
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
            _ = mistakes(String(decoding: bytes, as: UTF8.self))
        }
    }
}
