import BridgeCore
import BridgeTesting
import NIOCore
import PollThread
import Synchronization
import Testing

@testable import MQTTAdapter

/// What a broker refuses, and what is asked for again.
@Suite(.timeLimit(.minutes(2)))
struct MQTTRefusalTests {
    /// Answers a SUBSCRIBE of `no/#` with a refusal until it is told otherwise, and any other with QoS 1 and a message.
    private final class Subscriptions: Sendable {
        let isRefusing = Mutex(true)
        let asked = Mutex(0)
        let isFive: Bool

        init(_ version: String) {
            self.isFive = version == "5"
        }

        func answer(_ packet: [UInt8]) -> [UInt8]? {
            guard packet[0] >> 4 == 8 else { return nil }
            let isWanted = !packet.contains(sequence: Array("no/".utf8))
            if !isWanted { self.asked.withLock { $0 += 1 } }
            let code: UInt8 = isWanted || !self.isRefusing.withLock { $0 } ? 1 : self.isFive ? 0x87 : 0x80
            let topic: [UInt8] = Array((isWanted ? "ok/a" : "no/a").utf8)
            let message = [0x30, UInt8(self.isFive ? 8 : 7), 0, 4] + topic + (self.isFive ? [0] : []) + [UInt8(ascii: "x")]
            return (self.isFive ? [0x90, 4, 0, 0, 0, code] : [0x90, 3, 0, 0, code]) + (code == 1 ? message : [])
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a refused filter leaves the others as they are, is reported, and is asked for again`(version: String) async throws {
        let subscriptions = Subscriptions(version)
        let broker = try ScriptedBroker([1: version == "5" ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]]) { subscriptions.answer($0) }
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: """
                {"url": "mqtt://127.0.0.1:\(broker.port)", "protocol": "\(version)", "subscribe": ["no/#", "ok/#"]}
                """, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected && recorder.count == 1 }
            let reason = version == "5" ? " (reason code 135: Not authorized)" : ""
            #expect(rig.source.status.warning == "the broker refuses the subscription to no/#\(reason)")
            subscriptions.isRefusing.withLock { $0 = false }
            try await eventually { recorder.count == 2 && rig.source.status.warning == nil }
            #expect(broker.received(1) == 1)
            #expect(subscriptions.asked.withLock { $0 } == 2)
        }
        #expect(recorder.events.map(\.subject) == ["ok/a", "no/a"])
    }

    @Test func `each refusal doubles the wait until the filter is asked for again`() throws {
        let plan = MQTTSubscriptionPlan([try settings(MQTTSubscription.self, #"{"topic": "a"}"#)], hasIdentifiers: false)
        var refused = MQTTRefusedFilters()
        var now = ContinuousClock.now
        var waits: [Duration] = []
        for _ in 0..<9 {
            refused.refused(plan.entries[0], reason: "", now: now)
            let next = try #require(refused.next)
            waits.append(next - now)
            #expect(refused.takeDue(now: next - .seconds(1)).isEmpty)
            #expect(refused.takeDue(now: next).count == 1)
            #expect(refused.next == nil)
            now = next
        }
        #expect(waits == [5, 10, 20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
        let (first, second) = (refused.granted(plan.entries[0]), refused.granted(plan.entries[0]))
        #expect(first && !second && refused.isEmpty)
    }

    /// The PUBACK of a PUBLISH whose topic has three characters.
    private static func puback(_ packet: [UInt8], _ code: UInt8) -> [UInt8] {
        let start = packet[1] < 0x80 ? 2 : 3
        return [0x40, 3, packet[start + 5], packet[start + 6], code]
    }

    @Test(arguments: [0x80, 0x83, 0x91, 0x97] as [UInt8])
    func `a refusal that passes is tried again, and nothing is sent twice for it`(code: UInt8) async throws {
        let bodies = Mutex<[String]>([])
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            guard packet[0] >> 4 == 3 else { return nil }
            let text = packet.last.map { String(UnicodeScalar($0)) } ?? ""
            let isFirst = bodies.withLock { bodies in
                bodies.append(text)
                return bodies.count { $0 == text } == 1
            }
            return Self.puback(packet, text == "b" && isFirst ? code : 0)
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "out", "format": "raw"}"#)
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send(["a", "b", "c"].map { ByteBuffer(string: $0) })
            try await eventually { bodies.withLock { $0.count } == 4 }
            try await eventually { rig.sink.status.isConnected }
        }
        #expect(left == 0)
        #expect(bodies.withLock { $0 } == ["a", "b", "c", "b"])
        #expect(broker.received(1) == 2)
    }

    @Test func `a refusal that stays is not tried again`() async throws {
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            packet[0] >> 4 == 3 ? Self.puback(packet, packet.last == UInt8(ascii: "b") ? 0x87 : 0) : nil
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "out", "format": "raw"}"#)
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send(["a", "b", "c"].map { ByteBuffer(string: $0) })
            try await eventually { broker.received(3) == 3 }
        }
        #expect(left == 0)
        #expect(broker.received(3) == 3)
        #expect(broker.received(1) == 1)
    }

    @Test(arguments: [0x89, 0x8b, 0x98, 0x9c] as [UInt8])
    func `a broker that ends each connection for reasons of its own costs no message`(code: UInt8) async throws {
        let published = Mutex(0)
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            guard packet[0] >> 4 == 3 else { return nil }
            let number = published.withLock { published in
                published += 1
                return published
            }
            return number <= 6 ? [0xe0, 2, code, 0] : Self.puback(packet, 0)
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "out", "format": "raw"}"#)
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send([ByteBuffer(string: "a")])
            try await eventually("published \(published.withLock { $0 }) times") { published.withLock { $0 } == 7 }
        }
        #expect(left == 0)
    }

    @Test func `a message that the broker never acknowledges is given up, and the others go on`() async throws {
        let bodies = Mutex<[String]>([])
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0], 12: [0xd0, 0]]) { packet in
            guard packet[0] >> 4 == 3 else { return nil }
            let text = packet.last.map { String(UnicodeScalar($0)) } ?? ""
            bodies.withLock { $0.append(text) }
            return text == "b" ? nil : Self.puback(packet, 0)
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "out", "format": "raw"}"#,
            answerLimit: .milliseconds(200))
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send(["a", "b", "c"].map { ByteBuffer(string: $0) })
            try await eventually("it was sent three times") { bodies.withLock { $0.count { $0 == "b" } } == 3 }
        }
        #expect(left == 0)
        for text in ["a", "c"] { #expect(bodies.withLock { $0.count { $0 == text } } == 1) }
        #expect(rig.metrics.render().contains(#"reason="refused"} 1"#))
    }

    @Test func `a broker that is slow with its acknowledgements loses no connection`() async throws {
        let count = Mutex(0)
        let permits = Semaphore()
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            guard packet[0] >> 4 == 3 else { return nil }
            count.withLock { $0 += 1 }
            permits.wait()
            return Self.puback(packet, 0)
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "out", "format": "raw"}"#,
            answerLimit: .seconds(1))
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send((0..<15).map { ByteBuffer(string: "\($0)") })
            // Longer than the limit in all, and shorter for each.
            let start = ContinuousClock.now
            for number in 1...15 {
                try await eventually { ContinuousClock.now - start >= .milliseconds(100) * number }
                permits.signal()
            }
            try await eventually { count.withLock { $0 } == 15 }
        }
        #expect(left == 0)
        #expect(count.withLock { $0 } == 15)
        #expect(broker.received(1) == 1)
    }
}
