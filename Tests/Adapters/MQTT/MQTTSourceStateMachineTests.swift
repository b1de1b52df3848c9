import BridgeCore
import Mosquitto
import Testing

@testable import MQTTAdapter

struct MQTTSourceStateMachineTests {
    private typealias Driver = MQTTSourceMachineDriver

    // MARK: Connecting

    @Test func `a new session requests every filter and reads once all are granted`() throws {
        var driver = try Driver(#""subscribe": ["a/#", "b"]"#)
        #expect(driver.machine.state == .connecting)
        let (requests, after) = driver.connect()
        #expect(
            requests == [
                "read 2 filters, 0 repeats", "gap: the broker kept no session", "identifiers of a new session",
                "remember requests a/# b, 0 granted, besides []", "wait until kept", "subscribe a/#, options 4",
                "subscribe b, options 4",
            ]
        )
        #expect(after.isEmpty)
        #expect(driver.machine.state == .subscribing)
        #expect(driver.grant(2) == [])
        #expect(driver.machine.state == .subscribing)
        #expect(driver.grant(1) == ["ready", "remember granted a/# b, refused []"])
        #expect(driver.machine.state == .reading)
    }

    @Test func `a connection is requesting until its requests are written`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        let connack = MQTTConnack(
            reason: 0, isSessionPresent: false, receiveMaximum: 1, serverKeepAlive: nil, takesSubscriptionIdentifiers: true
        )
        _ = driver.perform(driver.machine.connected(connack, remembered: .init()))
        #expect(driver.machine.state == .requesting)
    }

    @Test func `a resumed session keeps its identifiers and sends retained messages only for new filters`() throws {
        var driver = try Driver(#""subscribe": ["a", "b"]"#)
        let (requests, _) = driver.connect(resuming: Driver.remembered("a"))
        #expect(
            requests == [
                "read 2 filters, 1024 repeats", "gap: none", "identifiers of 7",
                "remember requests a b, 1 granted, besides []", "subscribe a, options 20", "subscribe b, options 4",
            ]
        )
    }

    @Test func `a new session does not use the stored filters of the old one`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        let connack = MQTTConnack(
            reason: 0, isSessionPresent: false, receiveMaximum: 1, serverKeepAlive: nil, takesSubscriptionIdentifiers: true
        )
        let requests = driver.perform(driver.machine.connected(connack, remembered: Driver.remembered("a", "old")))
        #expect(requests.contains("identifiers of a new session"))
        #expect(requests.last == "subscribe a, options 4")
    }

    @Test func `a removed filter is unsubscribed after the new ones, and stored until the broker answers`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        let (requests, _) = driver.connect(resuming: Driver.remembered("old"))
        #expect(requests.suffix(2) == ["subscribe a, options 4", "unsubscribe old"])
        #expect(driver.grant(1) == ["ready"])
        let last = driver.perform(driver.machine.answered(subscribe: [], unsubscribe: [2], now: .now))
        #expect(last == ["ready", "remember granted a, refused []"])
    }

    @Test func `MQTT 3_1_1 requests only filters that the session lacks, or that ignore retained messages`() throws {
        var driver = try Driver(#""protocol": "3.1.1", "subscribe": ["a", {"topic": "b", "retained": "ignore"}, "c"]"#)
        var contents = Driver.remembered("a")
        contents.filters.append("b")
        contents.granted.insert(ExactText("1,ignore,0 b"))
        let (requests, after) = driver.connect(resuming: contents)
        #expect(requests.suffix(2) == ["subscribe b, options 0", "subscribe c, options 0"])
        #expect(after.isEmpty)
    }

    @Test func `MQTT 3_1_1 reads at once when the session has every filter`() throws {
        var driver = try Driver(#""protocol": "3.1.1", "subscribe": "a""#)
        let (requests, after) = driver.connect(resuming: Driver.remembered("a"))
        #expect(requests.first == "read 1 filters, 4096 repeats")
        #expect(!requests.contains { $0.hasPrefix("subscribe") })
        #expect(after == ["ready", "remember granted a, refused []"])
        #expect(driver.machine.state == .reading)
    }

    @Test func `MQTT 3_1_1 stores its state after the requests, MQTT 5 before them`() throws {
        var old = try Driver(#""protocol": "3.1.1", "subscribe": "a""#)
        let (requests, after) = old.connect()
        #expect(!requests.contains("wait until kept"))
        #expect(after == ["wait until kept"])
        var new = try Driver(#""subscribe": "a""#)
        #expect(new.connect().requests.suffix(2) == ["wait until kept", "subscribe a, options 4"])
    }

    @Test(arguments: [#""protocol": "3.1.1", "#, ""])
    func `a session that ends with the connection is not stored`(version: String) throws {
        var driver = try Driver(version + #""subscribe": "a""#, keepsSession: false)
        let (requests, after) = driver.connect()
        #expect(!requests.contains { $0.hasPrefix("remember") || $0.hasPrefix("wait") })
        #expect(after.isEmpty)
        #expect(driver.grant(1) == ["ready"])
        #expect(driver.machine.learned(MQTTDuplicateDetector.Session(number: 9), hasAtMostOnce: true) == false)
    }

    @Test func `a session that may have lost messages of QoS 0 is reported as a gap`() throws {
        func gap(
            _ json: String, _ contents: MQTTSessionMemory.Contents, _ carried: MQTTSourceStateMachine.Carried = .init()
        ) throws -> String {
            var driver = try Driver(json, carried: carried)
            return driver.connect(resuming: contents).requests[1]
        }
        let nothing = "gap: the broker stores no messages of qos 0"
        #expect(try gap(#""subscribe": "a""#, Driver.remembered("a")) == "gap: none")
        #expect(try gap(#""subscribe": {"topic": "a", "qos": 0}"#, Driver.remembered("a")) == nothing)
        #expect(try gap(#""subscribe": "a""#, Driver.remembered("a"), .init(hasAtMostOnce: true)) == nothing)
        var contents = Driver.remembered("a")
        contents.hasAtMostOnce = true
        #expect(try gap(#""subscribe": "a""#, contents) == nothing)
    }

    @Test func `a session with unknown filters is logged`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        #expect(driver.connect(resuming: .init()).requests.contains("log unknownSession"))
        // One of version 0.1.0, which wrote no identifiers.
        var old = try Driver(#""subscribe": "a""#)
        #expect(!old.connect(resuming: Driver.remembered("a", number: nil)).requests.contains("log unknownSession"))
    }

    // MARK: Answers

    @Test func `a refused filter is requested again at growing intervals, and remembered once it is granted`() throws {
        var driver = try Driver(#""subscribe": ["a", "b"]"#)
        driver.connect()
        driver.grant(1)
        let answer = driver.grant(2, 0x87)
        #expect(answer[0] == #"log refused(filter: "b", code: 135)"#)
        #expect(answer[1].hasPrefix("ready: the broker refuses the subscription to b ("))
        #expect(answer[2] == #"remember granted a b, refused ["b"]"#)
        #expect(driver.machine.nextDue == driver.at(5000))
        #expect(driver.step(at: 4999).actions == [])
        #expect(driver.step(at: 5000).actions == ["subscribe b, options 4"])
        #expect(driver.machine.state == .subscribing)
        #expect(driver.machine.nextDue == nil)
        // The same reason is not logged twice.
        #expect(driver.grant(3, 0x87, at: 5000).count == 1)
        #expect(driver.machine.nextDue == driver.at(15_000))
        #expect(driver.step(at: 15_000).actions == ["subscribe b, options 4"])
        #expect(
            driver.grant(4) == [
                #"log grantedAfterRefusal(filter: "b")"#, "ready", "remember granted a b, refused []",
            ]
        )
        #expect(driver.machine.carried.refusals.isEmpty)
    }

    @Test func `the next connection does not log the same refusal again`() throws {
        var first = try Driver(#""subscribe": ["a", "b"]"#)
        first.connect()
        #expect(first.grant(1, 0x87).count == 1)
        var second = try Driver(#""subscribe": ["a", "b"]"#, carried: first.machine.carried)
        second.connect()
        #expect(second.grant(1, 0x87) == [])
        second.grant(2)
        _ = second.step(at: 5000)
        #expect(second.grant(3, 0x97, at: 5000).first == #"log refused(filter: "a", code: 151)"#)
    }

    @Test func `a connection ends when every filter is refused`() throws {
        var driver = try Driver(#""protocol": "3.1.1", "subscribe": ["a", "b"]"#)
        driver.connect()
        #expect(driver.grant(2, 0x80) == [#"log refused(filter: "b", code: 128)"#])
        #expect(driver.grant(1, 0x80) == ["refused all, last a"])
    }

    @Test func `a broker that does not answer in ten seconds is overdue`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        driver.connect()
        #expect(!driver.machine.isOverdue(now: driver.at(10_000)))
        #expect(driver.machine.isOverdue(now: driver.at(10_001)))
        driver.grant(1)
        #expect(!driver.machine.isOverdue(now: driver.at(99_000)))
    }

    @Test func `answers without a request change nothing`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        driver.connect()
        #expect(driver.grant(9) == [])
        #expect(driver.machine.state == .subscribing)
        driver.grant(1)
        #expect(driver.grant(1, 0x87) == [])
        #expect(driver.machine.warning == nil)
    }

    @Test func `a filter that is granted with QoS 0 is logged, and messages may be lost from then on`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        driver.connect()
        #expect(driver.grant(1, 0).first == #"log grantedLess(filter: "a", qos: 0)"#)
        #expect(driver.machine.carried.hasAtMostOnce)
    }

    // MARK: Reading

    @Test func `a paused source reads until every request is answered`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        driver.connect()
        #expect(driver.step(isPaused: true).step.reads == true)
        driver.grant(1)
        #expect(driver.step(isPaused: true).step.reads == false)
        #expect(driver.step(isPaused: false).step.reads == true)
    }

    /// A machine that reads `a`, and has a refused filter `b` that is due at 5000.
    private func refused() throws -> Driver {
        var driver = try Driver(#""subscribe": ["a", "b"]"#)
        driver.connect()
        driver.grant(1)
        driver.grant(2, 0x87)
        return driver
    }

    @Test func `a paused source requests no refused filter until it reads again`() throws {
        var driver = try self.refused()
        let paused = driver.step(isPaused: true, at: 9000)
        #expect(paused.actions == [] && !paused.step.reads)
        #expect(driver.machine.waitEnd == nil)
        let resumed = driver.step(at: 9001)
        #expect(resumed.actions == ["subscribe b, options 4"] && resumed.step.reads)
        #expect(driver.machine.waitEnd == driver.at(19_001) + .nanoseconds(1))
    }

    @Test func `a source with a full window requests no refused filter until there is room`() throws {
        var driver = try self.refused()
        driver.read([message("a", "x")], acknowledgements: MQTTPubackWindow.limit)
        #expect(driver.step(at: 9000).actions == [])
        #expect(driver.machine.waitEnd == nil)
        #expect(driver.step(safe: driver.position, at: 9001).actions == ["subscribe b, options 4"])
    }

    @Test func `the answer time-out does not run while the answer cannot be read`() throws {
        var driver = try self.refused()
        _ = driver.step(at: 5000)
        driver.read([message("a", "x")], acknowledgements: MQTTPubackWindow.limit)
        for second in stride(from: 5, through: 60, by: 5) {
            #expect(driver.step(at: 1000 * second).step.reads == false)
            #expect(!driver.machine.isOverdue(now: driver.at(1000 * second)))
        }
        #expect(driver.step(safe: driver.position, at: 69_000).step.reads == true)
        #expect(!driver.machine.isOverdue(now: driver.at(70_000)))
        #expect(driver.machine.isOverdue(now: driver.at(70_001)))
    }

    @Test func `a paused source reads for an answer within a bound that holds over connections`() throws {
        var driver = try Driver(#""subscribe": {"topic": "a", "qos": 0}"#)
        driver.connect()
        let allowance = MQTTSourceStateMachine.pausedAllowance
        #expect(driver.step(isPaused: true).step.reads == true)
        driver.read([message("a", "x")], acknowledgements: 0, bytes: allowance - 1)
        #expect(driver.step(isPaused: true).step.reads == true)
        driver.read([message("a", "x")], acknowledgements: 0, bytes: 1)
        #expect(driver.step(isPaused: true, at: 9000).step.reads == false)
        #expect(!driver.machine.isOverdue(now: driver.at(19_000)))
        // The next connection of a source that is still paused.
        var next = try Driver(#""subscribe": {"topic": "a", "qos": 0}"#, carried: driver.machine.carried)
        next.connect()
        #expect(next.step(isPaused: true).step.reads == false)
        #expect(next.step(isPaused: false).step.reads == true)
        // What is read while it may read does not count.
        next.read([message("a", "x")], acknowledgements: 0, bytes: allowance)
        #expect(next.step(isPaused: true).step.reads == true)
    }

    @Test func `nothing is acknowledged before all of it is safe, then all of it at once`() throws {
        var driver = try Driver.reading()
        driver.read([message("a/1", "x"), message("a/2", "y")], acknowledgements: 2)
        #expect(driver.machine.awaitsSafety)
        #expect(driver.step(safe: Position(1)).step.acknowledgements == 0)
        // Reading continues, and puts the acknowledgement off until the new message is safe too.
        driver.read([message("a/3", "z")], acknowledgements: 1)
        #expect(driver.step(safe: Position(2)).step.acknowledgements == 0)
        #expect(driver.step(safe: Position(3)).step.acknowledgements == 3)
        #expect(!driver.machine.awaitsSafety)
        #expect(driver.step().step.acknowledgements == 0)
    }

    @Test func `nothing is acknowledged while a batch is being forwarded`() throws {
        var driver = try Driver.reading()
        _ = driver.machine.messagesRead([message("a", "x")], acknowledgements: 1, bytes: 1, now: .now)
        driver.machine.safe(upTo: Position(99))
        #expect(driver.step().step.acknowledgements == 0)
        driver.machine.forwarded(at: Position(1))
        #expect(driver.step().step.acknowledgements == 1)
    }

    @Test func `unwanted messages are acknowledged like the others`() throws {
        var driver = try Driver.reading()
        driver.read([], acknowledgements: 2)
        #expect(driver.step().step.acknowledgements == 2)
    }

    @Test func `messages of QoS 0 need no acknowledgement`() throws {
        var driver = try Driver.reading()
        driver.read([message("a/1", "x")], acknowledgements: 0)
        #expect(!driver.machine.awaitsSafety)
        #expect(driver.step().step.acknowledgements == 0)
    }

    @Test func `reading stops when as many messages as the window allows wait for their acknowledgement`() throws {
        var driver = try Driver.reading()
        driver.read([message("a/1", "x")], acknowledgements: 1023)
        #expect(driver.step().step.reads == true)
        driver.read([message("a/1", "y")], acknowledgements: 1)
        #expect(driver.step().step.reads == false)
        #expect(driver.step(safe: Position(2)).step.reads == true)
    }

    @Test func `what messages reveal about the session is stored once`() throws {
        var driver = try Driver.reading()
        let session = MQTTDuplicateDetector.Session(number: 1)
        #expect(driver.machine.learned(session, hasAtMostOnce: false) == false)
        #expect(driver.machine.learned(session, hasAtMostOnce: true) == true)
        #expect(driver.machine.learned(session, hasAtMostOnce: true) == false)
        let counting = MQTTDuplicateDetector.Session(number: 1, countsUp: true)
        #expect(driver.machine.learned(counting, hasAtMostOnce: false) == true)
        #expect(driver.machine.learned(counting, hasAtMostOnce: true) == false)
    }

    // MARK: Topics that feed themselves

    /// Reads the same message until it is held; it is not forwarded any more then.
    private func holding() throws -> Driver {
        var driver = try Driver.reading()
        driver.read((0..<201).map { _ in message("a/loop", "same") }, acknowledgements: 201)
        try #require(driver.machine.nextDue == driver.at(1000))
        return driver
    }

    @Test func `held messages are not acknowledged, even if all forwarded ones are safe`() throws {
        var driver = try self.holding()
        let held = 201 - driver.log.count
        #expect(held > 0)
        #expect(driver.step(safe: driver.position).step.acknowledgements == 0)
        let (actions, step) = driver.step(at: 1000)
        #expect(actions == ["forward \(held)", #"log feedback(topic: "a/loop")"#, "ready: feedback loop at the topic a/loop"])
        #expect(step.acknowledgements == 0)
        #expect(driver.step(safe: driver.position, at: 1001).step.acknowledgements == 201)
    }

    @Test func `the warning of a topic ends when the topic is quiet`() throws {
        var driver = try self.holding()
        _ = driver.step(at: 1000)
        driver.read([message("b", "x")], acknowledgements: 0, at: 2000)
        #expect(driver.step(at: 2000).actions == [])
        driver.read([message("b", "x")], acknowledgements: 0, at: 60_000)
        #expect(driver.step(at: 60_000).actions == ["ready"])
        #expect(driver.step(at: 60_001).actions == [])
    }

    @Test func `held messages are forwarded when the connection is lost`() throws {
        var driver = try self.holding()
        let held = 201 - driver.log.count
        #expect(driver.perform(driver.machine.lost()) == ["forward \(held)"])
        #expect(driver.log.count == 201)
        #expect(driver.perform(driver.machine.lost()) == [])
    }

    // MARK: Stopping

    @Test func `a source that stops reads no more and ends once everything is acknowledged`() throws {
        var driver = try Driver.reading()
        driver.read([message("a", "x")], acknowledgements: 1)
        driver.machine.stop()
        #expect(driver.machine.state == .stopping)
        let held = driver.step().step
        #expect(!held.reads && !held.isLast && held.acknowledgements == 0)
        driver.machine.stop()
        let last = driver.step(safe: Position(1)).step
        #expect(!last.reads && last.isLast && last.acknowledgements == 1)
        #expect(driver.machine.state == .ended)
    }

    @Test func `a source that has nothing to acknowledge ends at once, even with unanswered requests`() throws {
        var driver = try Driver(#""subscribe": "a""#)
        driver.connect()
        driver.machine.stop()
        #expect(driver.step().step.isLast == true)
    }

    @Test func `a source that stops forwards held messages and requests nothing again`() throws {
        var driver = try self.holding()
        driver.machine.stop()
        let held = 201 - driver.log.count
        #expect(driver.step(at: 1).actions == ["forward \(held)"])
        #expect(driver.log.count == 201)
        #expect(driver.step(safe: driver.position).step.isLast == true)
        var refused = try Driver(#""subscribe": ["a", "b"]"#)
        refused.connect()
        refused.grant(1, 0x87)
        refused.grant(2)
        refused.read([message("b", "x")], acknowledgements: 1)
        refused.machine.stop()
        #expect(refused.step(at: 9000).actions == [])
        // It waits for its sinks only.
        #expect(refused.machine.waitEnd == nil)
    }

    @Test func `a stopping source needs no answer to a SUBSCRIBE`() throws {
        var driver = try self.refused()
        _ = driver.step(at: 5000)
        driver.read([message("a", "x")], acknowledgements: 1)
        driver.machine.stop()
        #expect(driver.step(at: 99_000).step.isLast == false)
        #expect(!driver.machine.isOverdue(now: driver.at(99_000)))
        #expect(driver.machine.waitEnd == nil)
    }
}
