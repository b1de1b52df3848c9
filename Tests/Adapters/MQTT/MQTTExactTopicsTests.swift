import BridgeCore
import BridgeTesting
import Logging
import Mosquitto
import NIOPosix
import Testing

@testable import MQTTAdapter

/// Topics and filters are compared byte by byte (MQTT 5 §1.5.4): `é` as one scalar and `e` with a combining accent are different topics,
/// although Swift considers the strings equal.
struct MQTTExactTopicsTests {
    private static let composed = "\u{e9}"
    private static let decomposed = "e\u{301}"

    private let start = ContinuousClock.now

    private func plan(_ topics: String...) throws -> MQTTSubscriptionPlan {
        MQTTSubscriptionPlan(
            try topics.map { try group(MQTTSubscription.self, #"{"topic": "\#($0)"}"#) }, hasIdentifiers: false
        )
    }

    @Test func `templates and the library agree on what a broker may refuse in a text`() {
        for value in (0...UInt32(0x10ffff)) {
            guard let scalar = Unicode.Scalar(value), MQTTText.isHarmless(scalar) != scalar.isHarmless else { continue }
            Issue.record("\(String(value, radix: 16))")
        }
    }

    @Test func `granting a filter leaves its canonically equivalent twin refused`() throws {
        let entries = try self.plan(Self.composed, Self.decomposed).entries
        try #require(entries.count == 2)
        var refused = MQTTRefusedFilters()
        for entry in entries { refused.refused(entry, reason: "", now: self.start) }
        #expect(refused.count == 2 && refused.filters.count == 2)
        let isGranted = refused.granted(entries[0])
        #expect(isGranted && refused.filters == [ExactText(Self.decomposed)])
    }

    @Test func `a source subscribes to both twins, and unsubscribes the one removed from the configuration`() throws {
        var both = try MQTTSourceMachineDriver(#""subscribe": ["\#(Self.composed)", "\#(Self.decomposed)"]"#)
        let requests = both.connect(resuming: MQTTSourceMachineDriver.remembered(Self.composed)).requests.suffix(2)
        // The first is known to the session, the second is new.
        #expect(requests.map { Array($0.utf8.suffix(2)) } == [Array("20".utf8), Array(" 4".utf8)])
        #expect(both.grant(1, 0x87).first?.hasPrefix("log refused") ?? false)
        #expect(both.grant(2, 0x87).last?.hasPrefix("refused all") ?? false)
        #expect(both.machine.carried.refusals.count == 1)

        var one = try MQTTSourceMachineDriver(#""subscribe": "\#(Self.decomposed)""#)
        let actions = one.connect(resuming: MQTTSourceMachineDriver.remembered(Self.composed)).requests
        #expect(actions.last.map { $0.utf8.elementsEqual("unsubscribe \(Self.composed)".utf8) } == true)
    }

    @Test func `a topic in a loop does not slow its canonically equivalent twin`() {
        func message(_ topic: String) -> ReceivedMessage { MQTTAdapterTests.message(topic, "same") }
        var feedback = MQTTLoopDetector(now: self.start)
        var rounds = 0
        while !feedback.isHolding, rounds < 1000 {
            _ = feedback.pass([message(Self.composed)], now: self.start)
            rounds += 1
        }
        #expect(feedback.isHolding)
        #expect(feedback.pass([message(Self.decomposed)], now: self.start).count == 1)
        #expect(feedback.pass([message(Self.composed)], now: self.start).isEmpty)
        #expect(feedback.release(now: self.start + .seconds(1)).count == 2)
        #expect(feedback.takeFound().map { Array($0.utf8) } == [Array(Self.composed.utf8)])
    }

    @Test(arguments: [["\u{e9}", "e\u{301}"], ["\u{301}x", "x"], ["a\u{301}/\u{301}b", "\u{e1}/b"]])
    func `stored session state survives a round trip`(topics: [String]) throws {
        let store = MemoryCursorStore()
        let memory = MQTTSessionMemory(
            context: ComponentContext(
                name: "in", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                bridge: "b", cursors: store,
                metrics: ComponentMetrics(component: "in", kind: "mqtt", direction: "source", metrics: Metrics()),
                shared: SharedServices()
            ),
            broker: "b", clientID: "c", packets: MQTTDuplicateDetector(), hasAtMostOnce: false
        )
        let entries = try self.plan(topics[0], topics[1]).entries
        try memory.granted(entries, but: [ExactText(topics[1])])
        let contents = memory.contents()
        #expect(contents.filters.map { Array($0.utf8) } == topics.map { Array($0.utf8) })
        #expect(contents.granted == [ExactText("1,accept,0 \(topics[0])")])
        try memory.keepPackets()
        #expect(memory.contents() == contents)
    }

    @Test func `stored filters differ when only their bytes do`() throws {
        let store = MemoryCursorStore()
        let packets = MQTTDuplicateDetector()
        let memory = MQTTSessionMemory(
            context: ComponentContext(
                name: "in", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                bridge: "b", cursors: store,
                metrics: ComponentMetrics(component: "in", kind: "mqtt", direction: "source", metrics: Metrics()),
                shared: SharedServices()
            ),
            broker: "b", clientID: "c", packets: packets, hasAtMostOnce: false
        )
        try memory.granted(self.plan(Self.composed).entries)
        try memory.granted(self.plan(Self.decomposed).entries)
        #expect(memory.contents().filters.map { Array($0.utf8) } == [Array(Self.decomposed.utf8)])
    }

    @Test(
        arguments: [
            ("$share/\u{301}g/a", "a shared subscription is written with the key share"), ("a\u{7}", "control characters"),
            ("a/#\u{301}", "must be the whole last level"),
        ]
    )
    func `a combining mark hides no separator, wildcard or control character of a filter`(filter: String, message: String) {
        let error = #expect(throws: MQTTTextError.self) { try MQTTTopicFilter(filter) }
        #expect(error?.description.contains(message) == true)
    }

    @Test func `a filter that begins with a wildcard matches no system topic with a combining mark`() throws {
        #expect(try !MQTTTopicFilter("#").covers(MQTTTopicFilter("$\u{301}x")))
        #expect(try !MQTTTopicFilter("+").overlaps(MQTTTopicFilter("$\u{301}x")))
    }

    @Test(arguments: ["a/\u{301}b", "#\u{301}"])
    func `a group name contains no slash or wildcard followed by a combining mark`(share: String) {
        #expect(throws: SettingError.self) { try group(MQTTSubscription.self, #"{"topic": "a", "share": "\#(share)"}"#) }
    }

    @Test(arguments: [
        ("a/#\u{301}", "is a wildcard"), ("+\u{301}/a", "is a wildcard"), ("$share/\u{301}a", "reserved for the broker"),
    ])
    func `a sink topic contains no wildcard followed by a combining mark`(topic: String, message: String) throws {
        let template = MQTTTopicTemplate(template: try Template(topic, compiler: nil), keepsSlashes: false)
        let error = #expect(throws: MQTTTextError.self) { try template.validate(mayBeAny: false) }
        #expect(error?.description.contains(message) == true)
    }
}
