import BridgeCore
import BridgeTesting
import Testing

@testable import MQTTAdapter

/// Two programs that share a client id take over each other's session.
@Suite(.timeLimit(.minutes(2)))
struct MQTTTakeoverTests {
    private func ended(_ detector: MQTTTakeoverDetector, _ seconds: Int, unexplained: Bool = true) -> Bool {
        detector.ended(after: .seconds(seconds), isUnexplained: unexplained)
    }

    @Test func `the third consecutive short connection is reported, once until one lasts`() {
        let detector = MQTTTakeoverDetector()
        #expect((0..<10).map { _ in self.ended(detector, 1) } == [false, false, true] + [Bool](repeating: false, count: 7))
        #expect(self.ended(detector, 31) == false)
        #expect((0..<4).map { _ in self.ended(detector, 30) } == [false, false, true, false])
    }

    @Test func `an end that the broker explains or did not cause resets the count`() {
        let detector = MQTTTakeoverDetector()
        #expect((0..<10).map { _ in self.ended(detector, 1, unexplained: false) }.contains(true) == false)
        for seconds in [1, 99] {
            #expect((0..<2).map { _ in self.ended(detector, 1) } == [false, false])
            #expect(self.ended(detector, seconds, unexplained: false) == false)
        }
        #expect((0..<3).map { _ in self.ended(detector, 1) } == [false, false, true])
        #expect(self.ended(detector, 1, unexplained: false) == false)
        #expect((0..<3).map { _ in self.ended(detector, 1) } == [false, false, true])
    }

    @Test func `a takeover that the broker reports comes with the remedy`() async throws {
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0], 8: [0xe0, 1, 0x8e]])
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "client_id": "twin", "subscribe": "a"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            let message = "another client has the same client id twin; give each program its own client_id"
            #expect(rig.errors.first?.contains(message) == true)
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `two programs that share a client id are both warned`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        func bridge(_ component: String) async throws -> BridgeProcess {
            try await BridgeProcess.start(
                """
                sources:
                  in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", protocol: "\(version)", subscribe: a, required: false, \(component) }
                sinks:
                  out: { type: file, path: "{directory}/out" }
                routes:
                  - { from: [in], to: [out] }
                """, waitingForReadiness: false
            )
        }
        let retry = "client_id: twin, retry: { initial: 50ms, max: 100ms }"
        let (one, other) = (try await bridge(retry), try await bridge(retry))
        let isTold = { (bridge: BridgeProcess) in
            let log = bridge.process.standardError
            let isGuess =
                log.contains("Broker keeps closing new connections")
                && log.contains("another program may use client id 'twin'; give each program its own client_id")
            return isGuess || log.contains("another client has the same client id twin; give each program its own client_id")
        }
        try await eventually("\(one.process.standardError.suffix(2000))") { isTold(one) && isTold(other) }
        #expect(try await one.stop() == .exited(0))
        #expect(try await other.stop() == .exited(0))
    }
}
