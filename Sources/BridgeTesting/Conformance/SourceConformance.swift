import BridgeConfiguration
import BridgeCore
import NIOCore
import Testing

/// The checks that every source must pass, for all protocols.
///
/// Each check starts its own fixture; a check that the kind's ``Guarantees`` do not cover returns at once.
package enum SourceConformance {
    private static let thousand = (0..<1000).map { ByteBuffer(string: "message \($0)") }

    /// The fixture's settings decode, and every key is one that the adapter lists.
    package static func settingsAreRead<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let plan = try kit.plan(source: Fixture.kind, yaml: fixture.yaml(subject: "conformance"))
            #expect(plan.sources.count == 1)
            #expect(plan.sources[0].registration.kind == Fixture.kind)
        }
    }

    /// An unknown key is refused with its name and its location.
    package static func wrongKeyIsRefused<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let yaml = fixture.yaml(subject: "conformance") + "\nno_such_key: 1"
            let line = 3 + yaml.split(separator: "\n").count
            let errors = try #require(throws: ConfigurationErrors.self) { try kit.plan(source: Fixture.kind, yaml: yaml) }
            let texts = errors.diagnostics.map { "\($0)" }
            #expect(texts.contains { $0.hasPrefix("bridges.yaml:\(line):5:") && $0.contains("no_such_key") }, "\(texts)")
        }
    }

    /// A thousand messages arrive, each once, in order where the adapter guarantees order.
    package static func deliversInOrder<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let harness = try SourceHarness(fixture, kit)
            try await harness.run {
                try await fixture.publish(self.thousand, on: "conformance", headers: [])
                try await eventually("1000 events have arrived, not \(harness.recorder.count)") { harness.recorder.count >= 1000 }
            }
            self.compare(harness.recorder.bodies, self.thousand, isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// The protocol's most demanding body, an empty one and the largest arrive unchanged.
    package static func bodiesArriveAsTheyAre<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        if Fixture.guarantees.contains(.binarySafe) {
            #expect(Fixture.hardestPayload == ByteBuffer(bytes: UInt8.min...UInt8.max))
        }
        try await self.with(type) { fixture in
            let harness = try SourceHarness(fixture, kit)
            let bodies = [
                Fixture.hardestPayload, Fixture.carriesEmpty ? ByteBuffer() : ByteBuffer(string: "x"),
                ByteBuffer(repeating: UInt8(ascii: "m"), count: Fixture.largestPayload), ByteBuffer(string: "last"),
            ]
            try await harness.run {
                for body in bodies { try await fixture.publish([body], on: "conformance", headers: []) }
                try await eventually("all have arrived, not \(harness.recorder.count)") { harness.recorder.count >= bodies.count }
            }
            self.compare(harness.recorder.bodies, bodies, isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// Headers, user properties or fields beside the body become attributes.
    package static func headersAreKept<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.keepsHeaders) else { return }
        try await self.with(type) { fixture in
            let harness = try SourceHarness(fixture, kit)
            try await harness.run {
                try await fixture.publish(
                    [ByteBuffer(string: "body")], on: "conformance", headers: [("x-colour", "blue"), ("x-umlaut", "gr\u{FC}n")]
                )
                try await eventually("it has arrived") { harness.recorder.count == 1 }
            }
            let attributes = harness.recorder.events[0].attributes
            #expect(attributes["x-colour"] == "blue")
            #expect(attributes["x-umlaut"] == "gr\u{FC}n")
        }
    }

    /// A paused source stops reading; the messages that the peer keeps meanwhile arrive later, complete and in order.
    package static func pausesWhenTold<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.pushesBack) else { return }
        try await self.with(type) { fixture in
            var options = SourceHarness.Options()
            options.buffer = 50
            let harness = try SourceHarness(fixture, kit, options: options)
            harness.recorder.close()
            try await harness.run {
                try await fixture.publish(self.thousand, on: "conformance", headers: [])
                try await eventually("the source must pause") { harness.outlet.demand == .pause }
                harness.recorder.close(false)
                try await eventually("1000 events have arrived, not \(harness.recorder.count)") { harness.recorder.count >= 1000 }
            }
            self.compare(harness.recorder.bodies, self.thousand, isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// A lost connection is a retryable error, and messages arrive again after the reconnect.
    package static func reconnects<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.connects) else { return }
        try await self.with(type) { fixture in
            let harness = try SourceHarness(fixture, kit)
            try await harness.run {
                try await fixture.publish([ByteBuffer(string: "before")], on: "conformance", headers: [])
                try await eventually("the first has arrived") { harness.recorder.events.count == 1 }
                let failures = harness.log.errors.count
                try await fixture.interrupt()
                try await eventually("the loss is noticed") { harness.hasFailed(moreOftenThan: failures) }
                #expect(!harness.status.hasGivenUp)
                try await fixture.restore()
                try await eventually("it is connected again, not \(harness.status.lastError ?? "silent")") {
                    harness.status.isConnected
                }
                try await fixture.publish([ByteBuffer(string: "after")], on: "conformance", headers: [])
                try await eventually("the second has arrived") { harness.recorder.bodies.contains(ByteBuffer(string: "after")) }
            }
            if Fixture.guarantees.contains(.reportsGaps) {
                #expect(!harness.recorder.gaps.isEmpty, "a loss must be reported")
            } else {
                #expect(harness.recorder.gaps.isEmpty)
            }
        }
    }

    /// A source whose peer is unreachable at first connects once the peer is reachable.
    package static func waitsForThePeer<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.connects) else { return }
        try await self.with(type) { fixture in
            try await fixture.interrupt()
            let harness = try SourceHarness(fixture, kit)
            try await harness.run(untilConnected: false) {
                try await eventually("the absence is noticed") { harness.hasFailed() }
                #expect(!harness.status.isConnected)
                try await fixture.restore()
                try await eventually("it is connected, not \(harness.status.lastError ?? "silent")") {
                    harness.status.isConnected
                }
                try await fixture.publish([ByteBuffer(string: "hello")], on: "conformance", headers: [])
                try await eventually("it has arrived") { harness.recorder.bodies.contains(ByteBuffer(string: "hello")) }
            }
        }
    }

    /// Messages published while the program is not running arrive after its start, and no earlier message arrives
    /// again.
    package static func resumes<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.contains(.resumesAfterReconnect) else { return }
        try await self.with(type) { fixture in
            let options = SourceHarness.Options()
            let first = try SourceHarness(fixture, kit, options: options)
            try await first.run {
                try await fixture.publish(Array(self.thousand[..<10]), on: "conformance", headers: [])
                try await eventually("ten have arrived") { first.recorder.events.count >= 10 }
            }
            try await fixture.publish(Array(self.thousand[10..<20]), on: "conformance", headers: [])
            let second = try SourceHarness(fixture, kit, options: options)
            try await second.run {
                try await fixture.publish(Array(self.thousand[20..<30]), on: "conformance", headers: [])
                try await eventually("twenty more have arrived, not \(second.recorder.count)") {
                    second.recorder.events.count >= 20
                }
            }
            self.compare(second.recorder.bodies, Array(self.thousand[10..<30]), isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// Messages that no sink has confirmed when the program ends arrive again after the restart.
    package static func unconfirmedComesAgain<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        guard Fixture.guarantees.isSuperset(of: [.atLeastOnce, .resumesAfterReconnect]) else { return }
        try await self.with(type) { fixture in
            var options = SourceHarness.Options()
            options.drain = .milliseconds(100)
            let first = try SourceHarness(fixture, kit, options: options)
            let end = try await first.run {
                try await fixture.publish(Array(self.thousand[..<10]), on: "conformance", headers: [])
                try await eventually("ten are confirmed") { first.recorder.events.count >= 10 && first.bridge.pending == 0 }
                first.recorder.hold()
                try await fixture.publish(Array(self.thousand[10..<20]), on: "conformance", headers: [])
                try await eventually("ten more have arrived") { first.recorder.events.count >= 20 }
            }
            #expect(end.left == 10)
            options.drain = .seconds(20)
            let second = try SourceHarness(fixture, kit, options: options)
            try await second.run {
                try await eventually("they are redelivered, not \(second.recorder.count)") { second.recorder.events.count >= 10 }
            }
            let again = second.recorder.bodies.suffix(10)
            self.compare(Array(again), Array(self.thousand[10..<20]), isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// When asked to stop, `run` returns within a second and nothing is left undelivered.
    package static func stopsSoon<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let harness = try SourceHarness(fixture, kit)
            let end = try await harness.run {
                try await fixture.publish([ByteBuffer(string: "hello")], on: "conformance", headers: [])
                try await eventually("it has arrived") { harness.recorder.count == 1 }
            }
            #expect(end.stopping < .stop)
            #expect(end.left == 0)
        }
    }

    /// When cancelled while a sink withholds its confirmations, `run` returns promptly.
    package static func endsWhenCancelled<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            var options = SourceHarness.Options()
            options.drain = .milliseconds(50)
            let harness = try SourceHarness(fixture, kit, options: options)
            harness.recorder.hold()
            let end = try await harness.run {
                // A peer that waits for its answer, such as a webhook's, waits here as long as the sink does.
                async let published: Void = fixture.publish([ByteBuffer(string: "hello")], on: "conformance", headers: [])
                try await eventually("it has arrived") { harness.recorder.count == 1 }
                if !Fixture.answersAfterDelivery { try await published } else { _ = try? await published }
            }
            #expect(end.stopping < .stop)
        }
    }

    /// Two sources of one kind run side by side, each with its own messages.
    package static func twoAtOnce<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            let one = try SourceHarness(fixture, kit, subject: "one")
            let two = try SourceHarness(fixture, kit, subject: "two")
            let ones = (0..<100).map { ByteBuffer(string: "one \($0)") }
            let twos = (0..<100).map { ByteBuffer(string: "two \($0)") }
            try await one.run {
                try await two.run {
                    async let first: Void = fixture.publish(ones, on: "one", headers: [])
                    async let second: Void = fixture.publish(twos, on: "two", headers: [])
                    _ = try await (first, second)
                    try await eventually("all have arrived") { one.recorder.count >= 100 && two.recorder.count >= 100 }
                }
            }
            self.compare(one.recorder.bodies, ones, isOrdered: Fixture.guarantees.contains(.ordered))
            self.compare(two.recorder.bodies, twos, isOrdered: Fixture.guarantees.contains(.ordered))
        }
    }

    /// Repeated runs leak no descriptor and no thread.
    package static func leavesNothing<Fixture: SourceFixture>(_ type: Fixture.Type, _ kit: ConformanceKit) async throws {
        try await self.with(type) { fixture in
            func cycle() async throws {
                let harness = try SourceHarness(fixture, kit)
                try await harness.run {
                    try await fixture.publish([ByteBuffer(string: "hello")], on: "conformance", headers: [])
                    try await eventually("it has arrived") { harness.recorder.count >= 1 }
                }
            }
            try await ProcessUsage.expectNoGrowth(cycle)
        }
    }

    private static func compare(_ actual: [ByteBuffer], _ expected: [ByteBuffer], isOrdered: Bool) {
        if isOrdered {
            #expect(actual == expected)
        } else {
            #expect(actual.map { String(buffer: $0) }.sorted() == expected.map { String(buffer: $0) }.sorted())
        }
    }

    private static func with<Fixture: SourceFixture>(
        _ type: Fixture.Type, _ body: (Fixture) async throws -> Void
    ) async throws {
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

extension Duration {
    /// The limit of the checks that promise an end within a second.
    ///
    /// Half of what a component that does not end takes, because test machines may be busy.
    static var stop: Duration { .seconds(10) }
}
