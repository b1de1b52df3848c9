import BridgeTesting
import Logging
import NIOCore
import Testing

@testable import BridgeCore

/// A source with cases: what is counted, logged, answered and acknowledged.
struct NormaliseDeliveryTests {
    private let metrics = Metrics()
    private let log = RecordedLog()

    private func bridge(_ json: String, routes: [Route] = [Route(name: "all", targets: [.init(sink: 0)])]) throws -> Bridge {
        let settings = try decode(NormaliseSample.self, json).settings
        return Bridge(
            sources: [
                SourceParts(
                    name: "in", source: ScriptedSource(), acknowledge: .delivered,
                    intake: IntakeSettings(normalise: NormaliseBlocks(settings), bridge: "here"), retry: RetrySettings(),
                    metrics: ComponentMetrics(component: "in", kind: "test", direction: "source", metrics: self.metrics),
                    logger: self.log.logger("in"))
            ],
            sinks: [
                SinkParts(
                    name: "out", sink: RecordingSink(), delivery: DeliverySettings(),
                    metrics: ComponentMetrics(component: "out", kind: "test", direction: "sink", metrics: self.metrics),
                    logger: self.log.logger("out"))
            ],
            table: RouteTable(routes: routes), metrics: self.metrics, logger: self.log.logger("bridge")
        )
    }

    private static func take(_ bridge: Bridge) -> [Delivery] {
        if case .batch(let batch) = bridge.sinks[0].inlet.poll(atMost: .max) { batch } else { [] }
    }

    private func count(_ name: String) -> Int {
        let prefix = "streambridge_\(name)_total{component=\"in\",direction=\"source\",kind=\"test\"} "
        let line = self.metrics.render().split(separator: "\n").first { $0.hasPrefix(prefix) }
        return line.flatMap { Int($0.dropFirst(prefix.count)) } ?? -1
    }

    private static func message(
        _ body: String, subject: String = "s", id: String? = nil, key: UInt64? = nil, again: Bool = false
    ) -> ReceivedMessage {
        ReceivedMessage(
            subject: subject, body: ByteBuffer(string: body), upstreamID: id, repeatKey: key, mayBeRepeated: again)
    }

    @Test func `what a case drops is counted as ignored and safe at once`() throws {
        let bridge = try self.bridge(#"{"cases":[{"match":{"subject":"no/#"},"drop":true}]}"#)
        let outlet = bridge.sources[0].outlet
        let receipt = outlet.send([Self.message("a", subject: "no/1"), Self.message("b", subject: "no")])
        #expect(outlet.safe >= receipt.position)
        _ = outlet.send([Self.message("c")])
        #expect(Self.take(bridge).map(\.event.message) == ["c"])
        #expect(self.count("events_ignored") == 2 && self.count("events_received") == 3)
    }

    @Test func `a failure is counted and logged with the event's id and the place`() throws {
        let bridge = try self.bridge(
            #"{"root":".payload.body","cases":[{"set":{"priority":{"from":".payload.level","map":{"a":1}}}}]}"#)
        _ = bridge.sources[0].outlet.send((0..<50).map { Self.message(#"{"message":"m","level":"b"}"#, id: "id-\($0)") })
        #expect(Self.take(bridge).count == 50)
        #expect(self.count("normalise_errors") == 100)
        let lines = self.log.lines("Part of normalise failed")
        #expect(lines.count == 1)
        #expect(lines.first?.metadata["event"] == "id-0" && lines.first?.metadata["field"] == "root")
        #expect(lines.first?.metadata["error"] == "the payload has no such member")
    }

    @Test func `the parts of a message are safe together`() throws {
        let bridge = try self.bridge(#"{"split":".payload.items"}"#)
        let outlet = bridge.sources[0].outlet
        let receipt = outlet.send([Self.message(#"{"items":["a","b","c"]}"#, id: "m")])
        let batch = Self.take(bridge)
        #expect(batch.map(\.event.id) == ["m-0", "m-1", "m-2"] && batch.map(\.event.message) == ["a", "b", "c"])
        bridge.sinks[0].inlet.confirm(through: batch[1])
        #expect(outlet.safe < receipt.position)
        bridge.sinks[0].inlet.confirm(through: batch[2])
        #expect(outlet.safe >= receipt.position)
        #expect(self.count("events_received") == 1)
    }

    @Test func `whoever asks for ids gets that of the first part`() throws {
        let bridge = try self.bridge(
            #"{"split":".payload.items","cases":[{"match":{"message":"drop"},"drop":true},{"set":{"tags":"x"}}]}"#)
        let outlet = bridge.sources[0].outlet
        let (_, ids) = outlet.sendAll([
            Self.message("plain", id: "p"), Self.message(#"{"items":["a","b"]}"#, id: "q"),
            Self.message(#"{"items":[]}"#, id: "r"),
            Self.message(#"{"items":["drop"]}"#, id: "t"),
        ])
        #expect(ids == ["p", "q-0", "r", "t-0"])
        #expect(Self.take(bridge).map(\.event.id) == ["p", "q-0", "q-1"])
        #expect(self.count("events_ignored") == 2)
        #expect(outlet.sendAll([Self.message(#"{"items":["a","b"]}"#, id: "u")]).ids == ["u-0"])
    }

    @Test func `a repeat is answered with the id of the first part, and parts without an id share one`() throws {
        let bridge = try self.bridge(#"{"split":".payload"}"#)
        let outlet = bridge.sources[0].outlet
        #expect(outlet.sendAll([Self.message("[1,2]", id: "K", key: 7, again: true)]).ids == ["K-0"])
        #expect(outlet.sendAll([Self.message("[1,2]", id: "K", key: 7, again: true)]).ids == ["K-0"])
        #expect(Self.take(bridge).map(\.event.id) == ["K-0", "K-1"])
        let id = try #require(outlet.sendAll([Self.message("[1,2]")]).ids[0])
        #expect(id.hasSuffix("-0"))
        #expect(Self.take(bridge).map(\.event.id) == [id, id.dropLast() + "1"])
    }

    @Test func `a message that the peer sends again is dropped whole`() throws {
        let bridge = try self.bridge(#"{"split":".payload.items"}"#)
        let outlet = bridge.sources[0].outlet
        let body = #"{"items":["a","b"]}"#
        _ = outlet.send([Self.message(body, id: "m", key: 7, again: true), Self.message(body, id: "m", key: 7, again: true)])
        _ = outlet.send([Self.message(body, id: "m", key: 7, again: true)])
        #expect(Self.take(bridge).map(\.event.id) == ["m-0", "m-1"])
        #expect(outlet.sendAll([Self.message(body, id: "m", key: 7, again: true)]).ids == ["m-0"])
    }
}
