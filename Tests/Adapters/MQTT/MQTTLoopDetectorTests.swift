import BridgeCore
import NIOCore
import Testing

@testable import MQTTAdapter

struct MQTTLoopDetectorTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { self.start + .milliseconds(milliseconds) }

    private func message(_ text: String, _ topic: String = "a") -> ReceivedMessage {
        ReceivedMessage(subject: topic, body: ByteBuffer(string: text))
    }

    private func texts(_ messages: [ReceivedMessage]) -> [String] { messages.map { String(buffer: $0.body) } }

    /// A program that answers each forwarded message with the same one, a while later.
    ///
    /// - Returns: when each round was forwarded, in milliseconds, and the result.
    private func loop(every interval: Int, for total: Int) -> (rounds: [Int], found: [String]) {
        var feedback = MQTTLoopDetector(now: self.start)
        var rounds: [Int] = []
        var found: [String] = []
        var arrival: Int? = 0
        for time in 0..<total {
            var passed = feedback.release(now: self.at(time)).count
            if arrival == time { passed += feedback.pass([self.message("same")], now: self.at(time)).count }
            found += feedback.takeFound()
            if passed > 0 {
                rounds.append(time)
                arrival = time + interval
            }
        }
        return (rounds, found)
    }

    @Test func `a loop is found within seconds and slowed more and more`() {
        let (rounds, found) = self.loop(every: 7, for: 60_000)
        #expect(found == ["a"])
        #expect(rounds.count { $0 < 5000 } < 600)
        // One, two, four, eight and sixteen seconds apart.
        #expect(rounds.count { $0 >= 5000 } <= 5)
    }

    @Test func `a fast loop is stopped within a second`() {
        let (rounds, found) = self.loop(every: 1, for: 10_000)
        #expect(found == ["a"])
        // The first twenty of a quiet source are not looked at.
        #expect(rounds.count < 230)
    }

    @Test func `a slow loop is left alone`() {
        let (rounds, found) = self.loop(every: 100, for: 10_000)
        #expect(found.isEmpty)
        #expect(rounds.count == 100)
    }

    @Test(arguments: [1, 2, 5, 20, 49])
    func `a sensor that repeats a value loses nothing, keeps its order and is held once`(interval: Int) {
        var feedback = MQTTLoopDetector(now: self.start)
        var passed: [String] = []
        var sent: [String] = []
        var longest = 0
        var pendingSince: Int?
        for time in stride(from: 0, to: 60_000, by: interval) {
            let text = time % (interval * 100) == interval * 50 ? "other" : "same"
            sent.append(text)
            passed += self.texts(feedback.release(now: self.at(time)))
            passed += self.texts(feedback.pass([self.message(text)], now: self.at(time)))
            if passed.count < sent.count { pendingSince = pendingSince ?? time } else { pendingSince = nil }
            longest = max(longest, pendingSince.map { time - $0 } ?? 0)
        }
        #expect(passed + self.texts(feedback.releaseAll()) == sent)
        #expect(feedback.takeFound().isEmpty)
        #expect(longest <= 4 * interval)
    }

    @Test func `other topics continue while one is held, and other messages of the topic wait`() {
        var feedback = MQTTLoopDetector(now: self.start)
        let first = feedback.pass((0..<300).map { _ in self.message("same") }, now: self.at(0))
        // A burst is not a loop: held messages are forwarded with the third one after them.
        #expect(first.count == 300)
        var circling = MQTTLoopDetector(now: self.start)
        var time = 0
        while !circling.isHolding {
            _ = circling.pass([self.message("same")], now: self.at(time))
            time += 1
        }
        #expect(self.texts(circling.pass([self.message("x", "b"), self.message("later")], now: self.at(time))) == ["x"])
        #expect(self.texts(circling.release(now: self.at(time + 1000))) == ["same", "later"])
        #expect(circling.topics == ["a"])
    }

    @Test func `another message that replaces the looping one is slowed as well`() {
        var feedback = MQTTLoopDetector(now: self.start)
        var time = 0
        while !feedback.isHolding {
            _ = feedback.pass([self.message("same")], now: self.at(time))
            time += 1
        }
        time += 1000
        _ = feedback.release(now: self.at(time))
        var passed = 0
        while !feedback.isHolding, passed < 1000 {
            passed += feedback.pass([self.message("other")], now: self.at(time)).count
            time += 1
        }
        #expect(passed < 1000)
    }

    @Test func `a loop that has ended is forgotten`() {
        var feedback = MQTTLoopDetector(now: self.start)
        var time = 0
        while !feedback.isHolding {
            _ = feedback.pass([self.message("same")], now: self.at(time))
            time += 1
        }
        _ = feedback.release(now: self.at(time + 1000))
        #expect(feedback.topics == ["a"])
        _ = feedback.pass([self.message("x", "b")], now: self.at(time + 20_000))
        #expect(feedback.topics.isEmpty)
        #expect(feedback.pass([self.message("same")], now: self.at(time + 20_001)).count == 1)
    }

    @Test func `held and counted messages have bounds`() {
        var feedback = MQTTLoopDetector(now: self.start)
        for topic in 0..<200 {
            for _ in 0..<250 where feedback.pass([self.message("same", "t\(topic)")], now: self.at(topic)).isEmpty { break }
        }
        var feedbackOfOne = MQTTLoopDetector(now: self.start)
        var time = 0
        while !feedbackOfOne.isHolding {
            _ = feedbackOfOne.pass([self.message("same")], now: self.at(time))
            time += 1
        }
        let others = (0..<200).flatMap { feedbackOfOne.pass([self.message("other \($0)")], now: self.at(time)) }
        // A hundred with the first, then everything.
        #expect(others.count == 201)
        #expect(feedback.releaseAll().count <= MQTTLoopDetector.capacity.topics)
    }
}
