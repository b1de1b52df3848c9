import BridgeTesting
import NIOCore
import Testing

/// Every protocol to every other: ten thousand events, none missing, none twice, none changed, none overtaken.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PairTests {
    @Test(arguments: Endpoint.allCases, Endpoint.allCases)
    func `ten thousand events go through`(from entry: Endpoint, to exit: Endpoint) async throws {
        let source = try await entry.entry()
        let sink = try await exit.exit()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: \(source.yaml)
            sinks:
              out: \(sink.yaml)
            routes:
              - { from: [in], to: [out] }
            """
        )
        let received = try await sink.receive(bridge)
        let count = 10_000
        let bodies = (0..<count).map { number in
            ByteBuffer(
                string: """
                    {"title":"Number \(number)","message":"This is event \(number) of \(entry.rawValue) \u{00E4}\u{1F600}",\
                    "priority":\(number % 5 + 1),"tags":["a","n\(number % 7)"],"payload":{"number":\(number)}}
                    """
            )
        }
        try await source.publish(bodies, 0)
        try await eventually(within: .seconds(120), "all have arrived, not \(received.count())") { received.count() >= count }
        try await eventually("all have arrived, not \(received.bodies().count)") { received.bodies().count >= count }
        let events = try ReceivedEvent.all(received.bodies())
        #expect(events.count == count)
        #expect(events.map(\.payload?.number) == Array(0..<count))
        #expect(Set(events.map(\.id)).count == count)
        for (number, event) in events.enumerated() {
            guard
                event.title == "Number \(number)", event.priority == number % 5 + 1, event.tags == ["a", "n\(number % 7)"],
                event.message == "This is event \(number) of \(entry.rawValue) \u{00E4}\u{1F600}"
            else {
                Issue.record("event \(number) arrived as \(event)")
                break
            }
        }
        #expect(try await bridge.metric("streambridge_events_received_total") == Double(count))
        #expect(try await bridge.stop() == .exited(0))
        #expect(received.bodies().count == count)
    }
}
