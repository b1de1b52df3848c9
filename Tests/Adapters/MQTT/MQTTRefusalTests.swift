import BridgeCore
import BridgeTesting
import NIOCore
import PollThread
import Synchronization
import Testing

@testable import MQTTAdapter

/// What a broker refuses, and what is requested again.
@Suite(.timeLimit(.minutes(2)))
struct MQTTRefusalTests {
    /// Answers a SUBSCRIBE of `no/#` with a refusal until the test changes that, and any other with QoS 1 and a message.
    private final class Subscriptions: Sendable {
        private let state = Mutex((isRefusing: true, asked: 0))
        private let isFive: Bool

        init(_ version: String) {
            self.isFive = version == "5"
        }

        func answer(_ packet: [UInt8]) -> [UInt8]? {
            guard packet[0] >> 4 == 8 else { return nil }
            let isWanted = !packet.contains(sequence: Array("no/".utf8))
            let isRefused = self.state.withLock { state in
                if !isWanted { state.asked += 1 }
                return !isWanted && state.isRefusing
            }
            let code: UInt8 = !isRefused ? 1 : self.isFive ? 0x87 : 0x80
            let topic: [UInt8] = Array((isWanted ? "ok/a" : "no/a").utf8)
            let message = [0x30, UInt8(self.isFive ? 8 : 7), 0, 4] + topic + (self.isFive ? [0] : []) + [UInt8(ascii: "x")]
            return (self.isFive ? [0x90, 4, 0, 0, 0, code] : [0x90, 3, 0, 0, code]) + (code == 1 ? message : [])
        }

        /// How often the refused filter was asked for.
        var asked: Int { self.state.withLock { $0.asked } }

        /// Grants everything from now on.
        ///
        /// - Returns: how often the filter was refused.
        func grant() -> Int {
            self.state.withLock { state in
                state.isRefusing = false
                return state.asked
            }
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `a refused filter does not affect the others, is reported, and is requested again`(version: String) async throws {
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
            let refusals = subscriptions.grant()
            #expect(refusals >= 1)
            try await eventually { recorder.count == 2 && rig.source.status.warning == nil }
            #expect(broker.received(1) == 1)
            #expect(subscriptions.asked == refusals + 1)
        }
        #expect(recorder.events.map(\.subject) == ["ok/a", "no/a"])
    }

    @Test func `each refusal doubles the wait until the filter is requested again`() throws {
        let plan = MQTTSubscriptionPlan([try group(MQTTSubscription.self, #"{"topic": "a"}"#)], hasIdentifiers: false)
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
    func `a temporary refusal is retried, and nothing is sent twice for it`(code: UInt8) async throws {
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

    @Test func `a permanent refusal is not retried`() async throws {
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

    @Test(arguments: [0x9c, 0x9d] as [UInt8])
    func `a redirecting broker is reported with the server that it names`(code: UInt8) async throws {
        func reference(_ text: String) -> [UInt8] { MQTTBrokerPackets.list([0x1c] + MQTTBrokerPackets.text(text)) }
        let other = "broker2.lan:1884"
        let long = String(repeating: "a", count: 60_000)
        let answers: [(answers: [UInt8: [UInt8]], message: String)] = [
            (
                [1: MQTTBrokerPackets.packet(0x20, [0, code] + reference(other))],
                "it refers to '\(other)'; set url to that server"
            ),
            ([1: [0x20, 3, 0, code, 0]], "; set url to the address of the other server"),
            (
                [1: [0x20, 3, 0, 0, 0], 8: [0x90, 4, 0, 0, 0, 1] + MQTTBrokerPackets.packet(0xe0, [code] + reference(other))],
                "it refers to '\(other)'; set url to that server"
            ),
            (
                [1: MQTTBrokerPackets.packet(0x20, [0, code] + reference("\u{202e}evil"))],
                "it refers to '\u{fffd}evil'; set url to that server"
            ),
            (
                [1: MQTTBrokerPackets.packet(0x20, [0, code] + reference(long))],
                "it refers to '\(long.prefix(300))…'; set url to that server"
            ),
        ]
        for (answer, message) in answers {
            let broker = try ScriptedBroker(answer)
            let rig = try MQTTRig(
                source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "subscribe": "a"}"#, into: RecordingSink())
            try await rig.run {
                try await eventually("\(message), not \(rig.errors)") { rig.errors.contains { $0.hasSuffix(message) } }
                #expect(rig.errors.first { $0.hasSuffix(message) }?.contains("(reason code \(code): ") == true)
            }
        }
    }

    @Test func `a broker may assign a client id although the client sent one`() async throws {
        let assigned = MQTTBrokerPackets.packet(
            0x20, [0, 0] + MQTTBrokerPackets.list([0x12] + MQTTBrokerPackets.text("tenant/a")))
        let ids = Mutex<Set<String>>([])
        let message = MQTTBrokerPackets.publish("a", qos: 0, payload: Array("x".utf8))
        let broker = try ScriptedBroker([8: [0x90, 4, 0, 0, 0, 1] + message]) { packet in
            guard packet[0] >> 4 == 1 else { return nil }
            // After name, version, flags, keep-alive and properties.
            let start = 13 + Int(packet[12])
            let length = Int(packet[start]) << 8 | Int(packet[start + 1])
            _ = ids.withLock { $0.insert(String(decoding: packet[(start + 2)..<(start + 2 + length)], as: UTF8.self)) }
            return assigned
        }
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "client_id": "a", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually("connected, not \(rig.errors)") {
                rig.source.status.isConnected && recorder.count == 1
            }
            broker.answer([8: [0x90, 4, 0, 0, 0, 1] + message])
            try await eventually { recorder.events.count == 2 }
        }
        // The next CONNECT carries the configured id again.
        #expect(ids.withLock { $0 } == ["a"])
    }

    @Test(arguments: [0x89, 0x8b, 0x98, 0x9c] as [UInt8])
    func `a broker that ends each connection for its own reasons costs no message`(code: UInt8) async throws {
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

    @Test func `a message that the broker never acknowledges is given up, and the others continue`() async throws {
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
            answerLimit: .seconds(1))
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
            answerLimit: .seconds(3))
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send((0..<15).map { ByteBuffer(string: "\($0)") })
            // Longer than the limit in all, and shorter for each.
            let start = ContinuousClock.now
            for number in 1...15 {
                try await eventually { ContinuousClock.now - start >= .milliseconds(300) * number }
                permits.signal()
            }
            try await eventually { count.withLock { $0 } == 15 }
        }
        #expect(left == 0)
        #expect(count.withLock { $0 } == 15)
        #expect(broker.received(1) == 1)
    }
}
