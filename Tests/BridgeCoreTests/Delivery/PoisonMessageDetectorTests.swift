import BridgeCore
import NIOCore
import Testing

struct PoisonMessageDetectorTests {
    private func delivery(_ position: UInt64) -> Delivery {
        let event = Event(
            id: "\(position)", title: nil, message: "x", priority: nil, tags: [], timestamp: .now(), payload: nil, source: "in",
            subject: "a", attributes: Attributes(), raw: .init(), kind: .message, provenance: Provenance(), limits: EventLimits()
        )
        return Delivery(event: event, variant: 0, route: "r", attempts: 0, position: Position(position), ticket: 0)
    }

    @Test func `the third loss in a row right after the same message is blamed on it, and it goes alone then`() {
        let closings = PoisonMessageDetector()
        #expect(!closings.lost((self.delivery(1), .now), of: 5))
        #expect(closings.window(atMost: 100) == 100)
        #expect(!closings.lost((self.delivery(1), .now), of: 5))
        #expect(closings.window(atMost: 100) == 1)
        #expect(closings.lost((self.delivery(1), .now), of: 1))
        #expect(closings.lost((self.delivery(1), .now), of: 1))
    }

    @Test func `messages that the broker accepts are not blamed, and all that were in flight are sent one at a time`() {
        let closings = PoisonMessageDetector()
        for _ in 0..<2 { #expect(!closings.lost((self.delivery(1), .now), of: 3)) }
        closings.settled(1)
        #expect(!closings.lost((self.delivery(2), .now), of: 1))
        closings.settled(1)
        #expect(closings.window(atMost: 100) == 1)
        closings.settled(1)
        #expect(closings.window(atMost: 100) == 100)
    }

    @Test func `a loss that comes later, or while nothing is in flight, has another cause`() {
        let closings = PoisonMessageDetector()
        for _ in 0..<2 { #expect(!closings.lost((self.delivery(1), .now), of: 1)) }
        #expect(!closings.lost((self.delivery(1), .now - .seconds(5)), of: 1))
        for _ in 0..<2 { #expect(!closings.lost((self.delivery(1), .now), of: 1)) }
        #expect(!closings.lost(nil, of: 0))
        #expect(!closings.lost((self.delivery(1), .now), of: 1))
    }

    @Test func `a message with a request of its own is blamed for the third loss in a row, whatever becomes of others`() {
        let poison = PoisonMessageDetector()
        for position in [1, 2, 1, 2] as [UInt64] { #expect(!poison.lost(alone: self.delivery(position))) }
        poison.answered(self.delivery(3))
        #expect(poison.lost(alone: self.delivery(1)))
        #expect(poison.lost(alone: self.delivery(1)))
        #expect(poison.lost(alone: self.delivery(2)))
    }

    @Test func `an answer ends the row of losses`() {
        let poison = PoisonMessageDetector()
        for _ in 0..<2 { #expect(!poison.lost(alone: self.delivery(1))) }
        poison.answered(self.delivery(1))
        for _ in 0..<2 { #expect(!poison.lost(alone: self.delivery(1))) }
        #expect(poison.lost(alone: self.delivery(1)))
    }
}
