import BridgeConfiguration
import BridgeCore
import NIOCore
import Testing

/// The checks that every sink must pass, for all protocols.
///
/// Each check starts its own fixture; a check that the kind's ``Guarantees`` do not cover returns at once.
package enum SinkConformance {
    private static let thousand = (0..<1000).map { ByteBuffer(string: "message \($0)") }

    /// The fixture's settings decode, and every key is one that the adapter lists.
    package static func settingsAreRead<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let plan = try kit.plan(sink: Fixture.kind, yaml: fixture.yaml(subject: "conformance", body: .event))
            #expect(plan.sinks.count == 1)
            #expect(plan.sinks[0].registration.kind == Fixture.kind)
        }
    }

    /// An unknown key is refused with its name and its location.
    package static func wrongKeyIsRefused<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let yaml = fixture.yaml(subject: "conformance", body: .event) + "\nno_such_key: 1"
            let line = 5 + yaml.split(separator: "\n").count
            let errors = try #require(throws: ConfigurationErrors.self) { try kit.plan(sink: Fixture.kind, yaml: yaml) }
            let texts = errors.diagnostics.map { "\($0)" }
            #expect(texts.contains { $0.hasPrefix("bridges.yaml:\(line):5:") && $0.contains("no_such_key") }, "\(texts)")
        }
    }

    /// A thousand events arrive as the engine made them, each once, in order where the adapter guarantees order.
    package static func deliversInOrder<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let harness = try await self.harness(fixture, kit)
            try await harness.run {
                for start in stride(from: 0, to: 1000, by: 50) { harness.source.send(Array(self.thousand[start..<(start + 50)])) }
                try await self.untilReceived(1000, fixture)
            }
            try await self.compare(fixture, with: harness.recorder.events.map(\.json))
            #expect(harness.deadLetters.count == 0)
        }
    }

    /// The protocol's most demanding body, an empty one and the largest arrive unchanged.
    package static func bodiesArriveAsTheyAre<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        if Fixture.guarantees.contains(.binarySafe) {
            #expect(Fixture.hardestPayload == ByteBuffer(bytes: UInt8.min...UInt8.max))
        }
        try await self.with(type) { fixture in
            let harness = try await self.harness(fixture, kit, body: Fixture.carriesRaw ? .raw : .event)
            let bodies = [
                Fixture.hardestPayload, Fixture.carriesEmpty ? ByteBuffer() : ByteBuffer(string: "x"),
                ByteBuffer(repeating: UInt8(ascii: "m"), count: Fixture.largestPayload), ByteBuffer(string: "last"),
            ]
            try await harness.run {
                for body in bodies { harness.source.send([body]) }
                try await self.untilReceived(bodies.count, fixture)
            }
            let expected = Fixture.carriesRaw ? bodies : harness.recorder.events.map(\.json)
            try await self.compare(fixture, with: expected)
        }
    }

    /// Origin, hops and trace travel beside the body.
    package static func passageTravels<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.keepsHeaders) else { return }
        try await self.with(type) { fixture in
            let harness = try await self.harness(fixture, kit)
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            try await harness.run {
                harness.source.send([
                    ReceivedMessage(
                        subject: "x", body: ByteBuffer(string: "hello"),
                        attributes: Attributes([(Provenance.traceAttribute, trace)])
                    )
                ])
                try await self.untilReceived(1, fixture)
            }
            let headers = try await fixture.received(on: "conformance")[0].headers
            func value(_ name: String) -> String? { headers.first { $0.name == name }?.value }
            #expect(value(Provenance.originAttribute) == "conformance")
            #expect(value(Provenance.hopsAttribute) == "1")
            #expect(value(Provenance.traceAttribute)?.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-") == true)
        }
    }

    /// A sink whose peer is unreachable at first delivers everything once the peer is reachable.
    package static func waitsForThePeer<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.isSuperset(of: [.connects, .atLeastOnce]) else { return }
        try await self.with(type) { fixture in
            let harness = try SinkHarness(fixture, kit, yaml: fixture.yaml(subject: "conformance", body: .event))
            try await fixture.interrupt()
            try await harness.run(untilConnected: false) {
                harness.source.send(Array(self.thousand[..<100]))
                try await eventually("the absence is noticed") { harness.hasFailed() }
                try await fixture.restore()
                try await fixture.prepare(subject: "conformance")
                try await self.untilReceived(100, fixture)
            }
            try await self.compare(fixture, with: harness.recorder.events.map(\.json))
        }
    }

    /// Unconfirmed deliveries are offered again after a lost connection: none is missing, and the order holds apart
    /// from duplicates.
    package static func unconfirmedIsOfferedAgain<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws
    {
        guard Fixture.guarantees.isSuperset(of: [.connects, .atLeastOnce]) else { return }
        try await self.with(type) { fixture in
            let harness = try await self.harness(fixture, kit)
            let end = try await harness.run {
                for start in stride(from: 0, to: 500, by: 50) { harness.source.send(Array(self.thousand[start..<(start + 50)])) }
                let failures = harness.log.errors.count
                try await fixture.interrupt()
                for start in stride(from: 500, to: 1000, by: 50) {
                    harness.source.send(Array(self.thousand[start..<(start + 50)]))
                }
                try await eventually("the loss is noticed") { harness.hasFailed(moreOftenThan: failures) }
                try await fixture.restore()
                try await eventually("everything is confirmed") { harness.bridge.pending == 0 }
            }
            #expect(end.left == 0)
            let expected = harness.recorder.events.map(\.json)
            #expect(expected.count == 1000)
            // A broker can confirm before its own subscribers have read.
            var firsts: [ByteBuffer] = []
            try await eventually("nothing is missing, \(Set(expected).subtracting(firsts).count) are") {
                firsts = Self.firsts(of: try await fixture.received(on: "conformance").map(\.body))
                return firsts.count >= expected.count
            }
            #expect(Set(firsts) == Set(expected))
            if Fixture.guarantees.contains(.ordered) { #expect(firsts == expected) }
        }
    }

    /// An event that the sink permanently refuses becomes a dead letter with the reason, and the other events are
    /// delivered.
    package static func refusedBecomesDeadLetter<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            guard let yaml = fixture.yamlRefusing(subject: "conformance") else { return }
            let harness = try SinkHarness(fixture, kit, yaml: yaml)
            try await fixture.prepare(subject: "conformance")
            try await harness.run {
                harness.source.send(["first", "refuse me", "last"].map { ByteBuffer(string: $0) })
                try await self.untilReceived(2, fixture)
                try await eventually("the dead letter has arrived") { harness.deadLetters.count == 1 }
            }
            #expect(try await fixture.received(on: "conformance").count == 2)
            let letter = try #require(harness.deadLetters.deliveries.first?.event)
            #expect(letter.kind == .deadLetter)
            #expect(letter.raw == ByteBuffer(string: "refuse me"))
            #expect(!letter.message.isEmpty)
        }
    }

    /// When asked to stop, the sink delivers its backlog, then `run` returns within a second.
    package static func stopsSoon<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let harness = try await self.harness(fixture, kit)
            let end = try await harness.run { harness.source.send(Array(self.thousand[..<100])) }
            #expect(end.stopping < .stop)
            #expect(end.left == 0)
            try await self.untilReceived(100, fixture)
        }
    }

    /// When cancelled while its peer is unreachable, `run` returns promptly.
    package static func endsWhenCancelled<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.isSuperset(of: [.connects, .atLeastOnce]) else { return }
        try await self.with(type) { fixture in
            try await fixture.interrupt()
            let yaml = fixture.yaml(subject: "conformance", body: .event)
            let harness = try SinkHarness(fixture, kit, yaml: yaml, drain: .milliseconds(50))
            let end = try await harness.run(untilConnected: false) { harness.source.send(Array(self.thousand[..<100])) }
            #expect(end.stopping < .stop)
            #expect(end.left >= 100)
        }
    }

    /// Two sinks of one kind run side by side without mixing their events.
    package static func twoAtOnce<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let one = try await self.harness(fixture, kit, subject: "one")
            let two = try await self.harness(fixture, kit, subject: "two")
            try await one.run {
                try await two.run {
                    one.source.send(Array(self.thousand[..<100]))
                    two.source.send(Array(self.thousand[100..<200]))
                    try await self.untilReceived(100, fixture, on: "one")
                    try await self.untilReceived(100, fixture, on: "two")
                }
            }
            try await self.compare(fixture, on: "one", with: one.recorder.events.map(\.json))
            try await self.compare(fixture, on: "two", with: two.recorder.events.map(\.json))
        }
    }

    /// Repeated runs leak no descriptor and no thread.
    package static func leavesNothing<Fixture: SinkFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            try await fixture.prepare(subject: "conformance")
            func cycle() async throws {
                let harness = try SinkHarness(fixture, kit, yaml: fixture.yaml(subject: "conformance", body: .event))
                let end = try await harness.run {
                    harness.source.send([ByteBuffer(string: "hello")])
                    try await eventually("it is confirmed") { harness.bridge.pending == 0 }
                }
                #expect(end.left == 0)
            }
            try await ProcessUsage.expectNoGrowth(cycle)
        }
    }

    private static func harness<Fixture: SinkFixture>(
        _ fixture: Fixture, _ kit: ConformanceKit, subject: String = "conformance", body: SinkBody = .event
    ) async throws -> SinkHarness {
        let harness = try SinkHarness(fixture, kit, subject: subject, yaml: fixture.yaml(subject: subject, body: body))
        try await fixture.prepare(subject: subject)
        return harness
    }

    private static func untilReceived(_ count: Int, _ fixture: some SinkFixture, on subject: String = "conformance") async throws
    {
        var received = 0
        try await eventually("the peer has received \(count), not \(received)") {
            received = try await fixture.received(on: subject).count
            return received >= count
        }
    }

    private static func compare<Fixture: SinkFixture>(
        _ fixture: Fixture, on subject: String = "conformance", with expected: [ByteBuffer]
    ) async throws {
        let actual = try await fixture.received(on: subject).map(\.body)
        if Fixture.guarantees.contains(.ordered) {
            #expect(actual == expected)
        } else {
            #expect(actual.map { String(buffer: $0) }.sorted() == expected.map { String(buffer: $0) }.sorted())
        }
    }

    /// Each body once, at its first occurrence.
    private static func firsts(of bodies: [ByteBuffer]) -> [ByteBuffer] {
        var known: Set<ByteBuffer> = []
        return bodies.filter { known.insert($0).inserted }
    }

    private static func with<Fixture: SinkFixture>(_ type: Fixture.Type, _ body: (Fixture) async throws -> Void) async throws {
        let fixture = try await type.start()
        do {
            try await body(fixture)
        } catch {
            // The check has failed already; an error of the teardown would hide the reason.
            try? await fixture.tearDown()
            throw error
        }
        try await fixture.tearDown()
    }
}
