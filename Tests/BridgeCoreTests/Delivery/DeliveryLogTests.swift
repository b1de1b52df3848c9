import NIOCore
import Testing

@testable import BridgeCore

struct DeliveryLogTests {
    @Test func `a sink gets events in order and only its own`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(), DeliverySettings()])
        fixture.append(["a", "b"], to: [0])
        fixture.append(["c"], to: [1])
        fixture.append(["d"], to: [0, 1])
        #expect(fixture.take(2).map(\.event.id) == ["a", "b"])
        #expect(fixture.take(2).map(\.event.id) == ["d"])
        #expect(fixture.take(sink: 1).map(\.event.id) == ["c", "d"])
        #expect(fixture.take().isEmpty)
    }

    @Test func `a source is safe once every sink has confirmed`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(), DeliverySettings()])
        let receipt = fixture.append(["a", "b", "c"], to: [0, 1])
        #expect(receipt.position == Position(3))
        let first = fixture.take()
        let second = fixture.take(sink: 1)
        fixture.log.confirm(sink: 0, through: first[2])
        #expect(fixture.safe() == 0)
        fixture.log.confirm(sink: 1, through: second[1])
        #expect(fixture.safe() == 2)
        fixture.log.confirm(sink: 1, through: second[2])
        #expect(fixture.safe() == 3)
    }

    @Test func `received and logged are safe at once`() {
        let fixture = DeliveryFixture(sources: [.received, .logged])
        fixture.append(["a"], source: 0)
        fixture.append(["b"], source: 1)
        #expect(fixture.safe(0) == 1)
        #expect(fixture.safe(1) == 2)
    }

    @Test func `a sink that has nothing of a source does not hold it up`() {
        let fixture = DeliveryFixture(sources: [.delivered, .delivered], sinks: [DeliverySettings(), DeliverySettings()])
        fixture.append(["stuck"], source: 0, to: [0])
        fixture.append(["free"], source: 1, to: [1])
        let free = fixture.take(sink: 1)
        fixture.log.confirm(sink: 1, through: free[0])
        #expect(fixture.safe(1) == 2)
        #expect(fixture.safe(0) == 0)
    }

    @Test func `confirming out of order moves the watermark only over what is complete`() {
        let fixture = DeliveryFixture()
        fixture.append(["a", "b", "c"])
        let taken = fixture.take()
        fixture.log.confirm(sink: 0, taken[1])
        #expect(fixture.safe() == 0)
        fixture.log.confirm(sink: 0, taken[0])
        #expect(fixture.safe() == 2)
        fixture.log.confirm(sink: 0, taken[2])
        #expect(fixture.safe() == 3)
    }

    @Test func `what is not confirmed is offered again in order and counts the attempt`() {
        let fixture = DeliveryFixture()
        fixture.append(["a", "b", "c"])
        let taken = fixture.take(2)
        fixture.log.confirm(sink: 0, taken[1])
        fixture.log.reclaim(sink: 0)
        let again = fixture.take()
        #expect(again.map(\.event.id) == ["a", "c"])
        #expect(again.map(\.attempts) == [1, 0])
    }

    @Test func `a confirmation that comes after the connection was given up does nothing`() {
        let fixture = DeliveryFixture()
        fixture.append(["a", "b"])
        let taken = fixture.take()
        fixture.log.reclaim(sink: 0)
        fixture.log.confirm(sink: 0, through: taken[1])
        #expect(fixture.safe() == 0)
        #expect(fixture.take().map(\.event.id) == ["a", "b"])
    }

    @Test func `a refused event becomes a dead letter and its source waits for that`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        fixture.append(["a", "b"])
        let taken = fixture.take()
        fixture.log.refuse(sink: 0, taken[0], reason: "the server answered 404")
        fixture.log.confirm(sink: 0, through: taken[1])
        #expect(fixture.safe() == 0)
        let letters = fixture.take(sink: 1)
        #expect(letters.map(\.event.id) == ["a"])
        #expect(letters[0].event.kind == .deadLetter)
        #expect(letters[0].event.message == "the server answered 404")
        fixture.log.confirm(sink: 1, through: letters[0])
        #expect(fixture.safe() == 2)
        #expect(
            fixture.metric(
                "streambridge_dead_letters_total{component=\"sink-0\",direction=\"sink\",kind=\"test\",reason=\"refused\"}"
            ) == 1
        )
    }

    @Test func `a reason with a peer's words cannot change a terminal`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        fixture.append(["a"])
        fixture.log.refuse(sink: 0, fixture.take()[0], reason: "the server answered 400 \u{1B}[31mBad\u{202E}\r\n")
        #expect(fixture.take(sink: 1).first?.event.message == "the server answered 400 \u{FFFD}[31mBad\u{FFFD}\u{FFFD}\u{FFFD}")
    }

    @Test func `without a dead-letter sink a refused event is dropped and counted`() {
        let fixture = DeliveryFixture()
        fixture.append(["a"])
        fixture.log.refuse(sink: 0, fixture.take()[0], reason: "no")
        #expect(fixture.safe() == 1)
        #expect(
            fixture.metric(
                "streambridge_events_dropped_total{component=\"sink-0\",direction=\"sink\",kind=\"test\",reason=\"refused\"}"
            ) == 1
        )
    }

    @Test func `a dead letter that is refused in turn is dropped, not sent in circles`() {
        let fixture = DeliveryFixture(sinks: [
            DeliverySettings(deadLetter: "sink-1"), DeliverySettings(deadLetter: "sink-0"),
        ])
        fixture.append(["a"])
        fixture.log.refuse(sink: 0, fixture.take()[0], reason: "no")
        fixture.log.refuse(sink: 1, fixture.take(sink: 1)[0], reason: "no")
        #expect(fixture.take().isEmpty)
        #expect(fixture.safe() == 1)
    }

    @Test func `an event that uses up its attempts becomes a dead letter, those behind it do not`() {
        let settings = DeliverySettings(retry: RetrySettings(attempts: 2), deadLetter: "sink-1")
        let fixture = DeliveryFixture(sinks: [settings, DeliverySettings()])
        fixture.append(["a", "b"])
        fixture.log.postpone(sink: 0, fixture.take()[0], reason: "503")
        fixture.log.reclaim(sink: 0)
        #expect(fixture.take(sink: 1).isEmpty)
        fixture.log.postpone(sink: 0, fixture.take()[0], reason: "503")
        fixture.log.reclaim(sink: 0)
        let letters = fixture.take(sink: 1)
        #expect(letters.map(\.event.id) == ["a"])
        #expect(String(buffer: letters[0].event.json).contains(#""attempts":2,"#))
        #expect(fixture.take().map(\.event.id) == ["b"])
    }

    @Test func `each event uses up attempts of its own, whatever becomes of the others`() {
        let settings = DeliverySettings(retry: RetrySettings(attempts: 3), deadLetter: "sink-1")
        let fixture = DeliveryFixture(sinks: [settings, DeliverySettings()])
        fixture.append(["a", "b", "c", "d"])
        for (round, next) in [["a", "b", "c", "d"], ["a", "c", "d"], ["a", "d"]].enumerated() {
            let deliveries = fixture.take()
            #expect(deliveries.map(\.event.id) == next)
            fixture.log.postpone(sink: 0, deliveries[0], reason: "503")
            // Another arrives, which says nothing about the first; the last is refused too, but only twice.
            if deliveries.count > 2 { fixture.log.confirm(sink: 0, deliveries[1]) }
            if round > 0 { fixture.log.postpone(sink: 0, deliveries.last!, reason: "503") }
            fixture.log.reclaim(sink: 0)
        }
        #expect(fixture.take(sink: 1).map(\.event.id) == ["a"])
        let left = fixture.take()
        #expect(left.map(\.event.id) == ["d"])
        fixture.log.postpone(sink: 0, left[0], reason: "503")
        #expect(fixture.take(sink: 1).map(\.event.id) == ["d"])
    }

    @Test func `what is confirmed or taken back already is not postponed`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(retry: RetrySettings(attempts: 1))])
        fixture.append(["a", "b"])
        let first = fixture.take()
        fixture.log.confirm(sink: 0, first[0])
        fixture.log.postpone(sink: 0, first[0], reason: "late")
        fixture.log.reclaim(sink: 0)
        fixture.log.postpone(sink: 0, first[1], reason: "late")
        #expect(fixture.take().map(\.event.id) == ["b"])
    }

    @Test func `a lost connection never uses up an event's attempts`() {
        let settings = DeliverySettings(retry: RetrySettings(attempts: 2))
        let fixture = DeliveryFixture(sinks: [settings])
        fixture.append(["a"])
        for _ in 0..<10 {
            #expect(fixture.take().map(\.event.id) == ["a"])
            fixture.log.reclaim(sink: 0)
        }
    }

    @Test func `an event that no route takes is counted and safe`() {
        let fixture = DeliveryFixture()
        fixture.append(["a"], to: [])
        #expect(fixture.safe() == 1)
        #expect(fixture.metric("streambridge_events_unrouted_total") == 1)
    }

    @Test func `an event that no route takes goes to the dead letters when asked`() {
        let fixture = DeliveryFixture(unrouted: 0)
        fixture.append(["a"], to: [])
        #expect(fixture.safe() == 0)
        let letters = fixture.take()
        #expect(letters.map(\.event.message) == ["no route matches it"])
        fixture.log.confirm(sink: 0, through: letters[0])
        #expect(fixture.safe() == 2, "the event and its letter")
    }

    @Test func `an inlet ends once nothing can come, that of the dead letters last`() {
        let fixture = DeliveryFixture(sinks: [DeliverySettings(deadLetter: "sink-1"), DeliverySettings()])
        fixture.append(["a"])
        fixture.log.finish()
        #expect(!fixture.hasEnded(1))
        let taken = fixture.take()
        #expect(fixture.hasEnded(0))
        fixture.log.refuse(sink: 0, taken[0], reason: "no")
        #expect(fixture.take(sink: 1).count == 1)
        #expect(fixture.hasEnded(1))
    }

    @Test func `a waiting sink is resumed by an event, by the end and by cancellation`() async throws {
        let fixture = DeliveryFixture()
        async let first = fixture.log.next(sink: 0, atMost: 10)
        fixture.append(["a"])
        guard case .batch(let batch) = try await first else {
            Issue.record("no batch")
            return
        }
        #expect(batch.map(\.event.id) == ["a"])
        fixture.log.confirm(sink: 0, through: batch[0])

        let waiting = Task { try await fixture.log.next(sink: 0, atMost: 10) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }

        async let last = fixture.log.next(sink: 0, atMost: 10)
        fixture.log.finish()
        guard case .ended = try await last else {
            Issue.record("not ended")
            return
        }
    }

    @Test func `a source waits for its position and is resumed by the confirmation`() async throws {
        let fixture = DeliveryFixture()
        let position = fixture.append(["a"]).position
        let parts = fixture.log.parts
        let (mark, signal) = (parts.marks[0], parts.sourceSignals[0])
        async let safe: Void = signal.wait { mark.safe >= position }
        fixture.log.confirm(sink: 0, through: fixture.take()[0])
        try await safe
        let waiting = Task { try await signal.wait { mark.isStopping } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}

extension DeliveryFixture {
    fileprivate func hasEnded(_ sink: SinkIndex) -> Bool {
        if case .ended = self.log.poll(sink: sink, atMost: 1) { true } else { false }
    }
}
