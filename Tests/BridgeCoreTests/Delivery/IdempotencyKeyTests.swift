import BridgeCore
import NIOCore
import Testing

/// The key by which a peer recognises another attempt at the same delivery.
struct IdempotencyKeyTests {
    private func key(_ id: String, source: String, attributes: [(String, String)] = []) -> String {
        let event = sampleEvent(id: id, source: source, attributes: attributes)
        return Delivery(event: event, variant: 0, route: "r", attempts: 0, position: Position(1), ticket: 0).idempotencyKey
    }

    @Test func `an id that a server counts is a key of its own for each source, the same at every attempt`() {
        let keys = ["a", "b"].map { self.key("7", source: $0, attributes: [("sse-id", "7")]) }
        #expect(Set(keys).count == 2)
        #expect(keys.allSatisfy { $0.hasPrefix("7.") && EventID.isLegal($0) })
        #expect(keys[0] == self.key("7", source: "a", attributes: [("sse-id", "7")]))
    }

    @Test func `an id that an event brings itself is the key wherever the event comes from`() {
        #expect(self.key("msg_1", source: "a", attributes: [("sse-id", "1-7")]) == "msg_1")
        #expect(self.key("msg_1", source: "b") == "msg_1")
    }
}
