import BridgeConfiguration
import BridgeCore
import Testing

@Suite struct PlanChangesTests {
    private static let text = """
        service: { state_dir: /var/lib/x }
        sources:
          one: { type: fake, url: here, password: "${file:/secret}" }
          two: { type: fake, url: there, port: 2 }
        sinks:
          out: { type: fake, topic: plain }
        routes:
          - { name: first, from: one, to: out }
          - { from: two, to: [{ sink: out, with: { topic: other } }] }

        """

    private static func changes(
        _ edits: [(old: String, new: String)], environment: [String: String] = [:], contents: UInt64 = 0
    ) throws -> PlanChanges {
        let text = edits.reduce(Self.text) { $0.replacing($1.old, with: $1.new) }
        return PlanChanges(
            from: PlanParts(try load(Self.text)) { _ in 0 },
            to: PlanParts(try load(text, environment: environment)) { _ in contents })
    }

    @Test(arguments: [
        [("routes:", "# A comment\nroutes:")],
        [("type: fake, url: there, port: 2", "port: 2, url: there, type: fake")],
        [("port: 2", "port: \"${env:PORT}\"")],
        [("${file:/secret}", "from the file")],
        [("sinks:\n  out: { type: fake, topic: plain }", "sinks:\n  out:\n    type: fake\n    topic: plain")],
    ])
    func `another text of the same file changes nothing`(edits: [(String, String)]) throws {
        let changes = try Self.changes(edits, environment: ["PORT": "2"])
        #expect(changes.isEmpty)
        #expect(changes.kept == ["source one", "source two", "sink out", "route first", "route route-2", "listener http"])
    }

    @Test(arguments: [
        ([("port: 2", "port: 3")], ["source two"]),
        ([("${file:/secret}", "another secret")], ["source one"]),
        ([("topic: plain", "topic: plain, buffer: { events: 7 }")], ["sink out"]),
        // Whether the sink must restart for it depends on the settings that it has: see SinkVariants.
        ([("topic: other", "topic: others")], ["route route-2"]),
        ([("from: one, to", "from: one, stop: true, to")], ["route first"]),
        ([("service:", "defaults: { sink: { retry: { attempts: 4 } } }\nservice:")], ["sink out"]),
        ([("service:", "http: { listen: \":9999\" }\nservice:")], ["listener http"]),
        ([("service:", "http: { allowed_hosts: [x.example] }\nservice:")], ["listener http"]),
    ])
    func `only what differs has changed`(edits: [(String, String)], changed: [String]) throws {
        let changes = try Self.changes(edits)
        #expect(changes.changed == changed)
        #expect(changes.added.isEmpty && changes.removed.isEmpty)
        #expect(changes.kept.count == 6 - changed.count)
    }

    @Test func `a renamed part is removed and added`() throws {
        let changes = try Self.changes([("two: {", "three: {"), ("from: two", "from: three")])
        #expect(changes.added == ["source three"])
        #expect(changes.removed == ["source two"])
        #expect(changes.changed == ["route route-2"])
    }

    @Test func `a route without a name is kept when it moves`() throws {
        let changes = try Self.changes([("routes:", "routes:\n  - { match: { subject: x }, to: out }")])
        #expect(changes.added == ["route route-1"])
        #expect(changes.removed.isEmpty && changes.changed.isEmpty)
    }

    @Test(arguments: [
        ("/var/lib/x", "/var/lib/y", "service.state_dir: cannot change while the program runs; restart to change it"),
        ("{ state_dir", "{ drain: 3s, state_dir", "service.drain: cannot change while the program runs; restart to change it"),
        ("{ state_dir", "{ name: n, state_dir", "service.name: cannot change while the program runs; restart to change it"),
        (
            "{ state_dir", "{ log: { level: debug }, state_dir",
            "service.log.level: cannot change while the program runs; restart to change it"
        ),
        (
            "{ state_dir", "{ log: { format: json }, state_dir",
            "service.log.format: cannot change while the program runs; restart to change it"
        ),
        ("sources:", "log: { kind: sqlite }\nsources:", "log: cannot change while the program runs; restart to change it"),
        (
            "sources:", "http: { max_connections: 9 }\nsources:",
            "http.max_connections: cannot change while the program runs; restart to change it"
        ),
        (
            "sources:", "http: { limits: { buffered: 99MiB } }\nsources:",
            "http.limits: cannot change while the program runs; restart to change it"
        ),
    ])
    func `what cannot change is refused`(old: String, new: String, message: String) throws {
        let (running, other) = (try load(Self.text), try load(Self.text.replacing(old, with: new)))
        #expect(FixedSettings.refusals(from: running, to: other) == [message])
        #expect(FixedSettings.refusals(from: running, to: running).isEmpty)
    }

    /// A change of each key of `service` and `http`.
    private static let keys: [String: [String: String]] = [
        "service": [
            "name": "n", "state_dir": "/var/lib/y", "drain": "3s", "max_hops": "3", "log": "{ level: debug }",
        ],
        "http": [
            "listen": "'127.0.0.1:9999'", "tls": "{ cert_file: c, key_file: k }", "max_connections": "9",
            "access": "{ anonymous: { subscribe: ['#'] } }", "admin": "{ token: t }", "limits": "{ buffered: 99MiB }",
            "allowed_hosts": "[x.example]", "publish_origins": "['https://x.example']", "trusted_proxies": "[10.0.0.0/8]",
        ],
    ]

    @Test func `a change of any key of service and http takes effect or is refused`() throws {
        let declared = [
            "service": ServiceSettings.settings.declarations, "http": HTTPSettings.settings.declarations,
        ].mapValues { Set($0.map(\.name)) }
        #expect(declared == Self.keys.mapValues { Set($0.keys) })
        let text = Self.text.replacing("service: { state_dir: /var/lib/x }\n", with: "")
        let running = try load(text)
        for (group, keys) in Self.keys {
            for (key, value) in keys {
                let other = try load("\(group): { \(key): \(value) }\n\(text)")
                let changes = PlanChanges(from: PlanParts(running) { _ in 0 }, to: PlanParts(other) { _ in 0 })
                let refusals = FixedSettings.refusals(from: running, to: other)
                #expect(changes.isEmpty != refusals.isEmpty, "\(group).\(key): \(changes), \(refusals)")
            }
        }
    }

    @Test func `the access rules and TLS can be added and removed`() throws {
        let open = try load(Self.text)
        let closed = try load(Self.text.replacing("sources:", with: "http: { access: { tokens: [{ token: t }] } }\nsources:"))
        func changes(_ old: BridgePlan, _ new: BridgePlan) -> PlanChanges {
            PlanChanges(from: PlanParts(old) { _ in 0 }, to: PlanParts(new) { _ in 0 })
        }
        #expect(changes(open, closed).added == ["access"] && changes(closed, open).removed == ["access"])
        let encrypted = try load(Self.text.replacing("sources:", with: "http: { tls: { cert_file: c, key_file: k } }\nsources:"))
        #expect(changes(open, encrypted).changed == ["listener http"] && changes(encrypted, open).changed == ["listener http"])
    }

    @Test func `the limits of a log in memory can change`() throws {
        let other = try load(Self.text.replacing("sources:", with: "log: { retain: { events: 5 } }\nsources:"))
        #expect(FixedSettings.refusals(from: try load(Self.text), to: other).isEmpty)
    }

    @Test func `settings that routes choose of a sink keep their index`() throws {
        func sink(_ topics: String...) throws -> PreparedSink {
            let targets = topics.map { "{ sink: out, with: { topic: \($0) } }" }.joined(separator: ", ")
            return try load(Self.text.replacing("[{ sink: out, with: { topic: other } }]", with: "[\(targets)]")).sinks[0]
        }
        let first = try sink("a", "b")
        var variants = SinkVariants(first)
        let second = try variants.add(try sink("c", "a"))
        #expect(second.indices == [0, 3, 1])
        #expect(!second.wereCurrent)
        #expect(second.settings.count == 4)
        let third = try variants.add(first)
        #expect(third.indices == [0, 1, 2])
        #expect(!third.wereCurrent, "the sink has its own settings in place of one of them")
        let fourth = try variants.add(try sink("b"))
        #expect(fourth.indices == [0, 2])
        #expect(fourth.wereCurrent)
    }

    @Test func `settings that no file has any more are bounded`() throws {
        func sink(_ topic: String) throws -> PreparedSink {
            try load(Self.text.replacing("topic: other", with: "topic: \(topic)")).sinks[0]
        }
        var variants = SinkVariants(try sink("first"))
        for number in 0..<SinkVariants.mostFormer { _ = try variants.add(try sink("t\(number)")) }
        let full = variants
        let refusal = #expect(throws: SinkVariants.Refusal.self) { try variants.add(try sink("one-more")) }
        #expect(
            refusal?.description
                == "sinks.out: routes have had more than 1000 other settings in 'with' since the program started, which "
                + "pending events may need; restart it for this change")
        #expect(variants == full)
        // What is known already stays usable.
        #expect(try variants.add(try sink("first")).indices == [0, 1])
    }
}
