import BridgeCore
import Mosquitto
import NIOCore

@testable import MQTTAdapter

/// Drives a state machine as a session would, with a broker that numbers packets 1, 2, 3 … and a log that exists only as positions.
struct MQTTSourceMachineDriver {
    var machine: MQTTSourceStateMachine
    let start = ContinuousClock.now
    /// The identifier of the last SUBSCRIBE or UNSUBSCRIBE.
    private(set) var packet: Int32 = 0
    /// The messages that were forwarded, in order; the position of the first is 1.
    private(set) var log: [ReceivedMessage] = []

    /// - Parameters:
    ///   - json: the keys of the source in addition to its URL.
    ///   - carried: what an earlier connection has left.
    init(_ json: String, keepsSession: Bool = true, carried: MQTTSourceStateMachine.Carried = .init()) throws {
        let configuration = try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://b", \#(json)}"#)
        self.machine = MQTTSourceStateMachine(
            MQTTSourceStateMachine.Settings(
                isFive: configuration.connection.version == .five, subscriptions: configuration.subscriptions,
                keepsSession: keepsSession, noLocal: true
            ),
            carried: carried, now: self.start
        )
    }

    /// A machine that reads: a new session of MQTT 5, with every request answered.
    static func reading(_ json: String = #""subscribe": "a/#""#) throws -> Self {
        var driver = try Self(json)
        driver.connect()
        driver.grant(1)
        return driver
    }

    func at(_ milliseconds: Int) -> ContinuousClock.Instant { self.start + .milliseconds(milliseconds) }

    var position: Position { Position(UInt64(self.log.count)) }

    /// What is remembered of a session in which these filters were granted.
    static func remembered(_ filters: String..., number: UInt64? = 7) -> MQTTSessionMemory.Contents {
        MQTTSessionMemory.Contents(
            granted: Set(filters.map { ExactText("1,accept,0 \($0)") }), filters: filters,
            packets: number.map { MQTTDuplicateDetector.Session(number: $0) }
        )
    }

    /// - Returns: the actions up to the last request, then those after it.
    @discardableResult
    mutating func connect(
        resuming contents: MQTTSessionMemory.Contents? = nil
    ) -> (requests: [String], after: [String]) {
        let connack = MQTTConnack(
            reason: 0, isSessionPresent: contents != nil, receiveMaximum: 65_535, serverKeepAlive: nil,
            takesSubscriptionIdentifiers: true
        )
        let requests = self.perform(self.machine.connected(connack, remembered: contents ?? .init()))
        return (requests, self.perform(self.machine.requestsWritten()))
    }

    /// The broker answers the SUBSCRIBE of this identifier.
    @discardableResult
    mutating func grant(_ packet: Int32, _ code: Int32 = 1, at milliseconds: Int = 0) -> [String] {
        let now = self.at(milliseconds)
        return self.perform(self.machine.answered(subscribe: [(packet, code)], unsubscribe: [], now: now))
    }

    /// Reads a batch and forwards it.
    mutating func read(_ messages: [ReceivedMessage], acknowledgements: Int, bytes: Int = 0, at milliseconds: Int = 0) {
        self.log += self.machine.messagesRead(
            messages, acknowledgements: acknowledgements, bytes: bytes, now: self.at(milliseconds)
        )
        self.machine.forwarded(at: self.position)
    }

    /// One round in which this much is safe.
    mutating func step(
        safe: Position? = nil, isPaused: Bool = false, at milliseconds: Int = 0
    ) -> (actions: [String], step: MQTTSourceStateMachine.Step) {
        let now = self.at(milliseconds)
        var actions = self.perform(self.machine.release(now: now))
        if let safe { self.machine.safe(upTo: safe) }
        let step = self.machine.step(isPaused: isPaused, now: now)
        actions += self.perform(step.requests, at: milliseconds)
        return (actions, step)
    }

    /// Performs actions, and returns them as short texts.
    mutating func perform(_ actions: [MQTTSourceAction], at milliseconds: Int = 0) -> [String] {
        var texts: [String] = []
        for action in actions {
            switch action {
            case .read(let plan, let repeatsAhead): texts.append("read \(plan.entries.count) filters, \(repeatsAhead) repeats")
            case .endOffline(let gap): texts.append("gap: \(gap ?? "none")")
            case .beginPackets(let session):
                self.machine.packetsBegan(session ?? MQTTDuplicateDetector.Session(number: 1))
                texts.append("identifiers of \(session.map { String($0.number) } ?? "a new session")")
            case .rememberRequests(let entries, let granted, let others):
                let filters = entries.map(\.wireFilter).joined(separator: " ")
                texts.append("remember requests \(filters), \(granted.count) granted, besides \(others)")
            case .rememberGranted(let entries, let refused):
                texts.append(
                    "remember granted \(entries.map(\.wireFilter).joined(separator: " ")), refused \(refused.map { String($0.text) }.sorted())"
                )
            case .waitUntilKept: texts.append("wait until kept")
            case .subscribe(let entry, let options):
                self.packet += 1
                self.machine.requested(entry, as: self.packet, now: self.at(milliseconds))
                texts.append("subscribe \(entry.wireFilter), options \(options)")
            case .unsubscribe(let filter):
                self.packet += 1
                self.machine.ending(as: self.packet)
                texts.append("unsubscribe \(filter)")
            case .forward(let messages):
                self.log += messages
                self.machine.forwarded(at: self.position)
                texts.append("forward \(messages.count)")
            case .ready: texts.append("ready\(self.machine.warning.map { ": \($0)" } ?? "")")
            case .log(let notice): texts.append("log \(notice)")
            case .refusedAll(let filter, let reason): texts.append("refused all, last \(filter)\(reason)")
            }
        }
        return texts
    }
}

/// A message, with what identifies it in `repeatKey`.
func message(_ topic: String, _ body: String, key: UInt64? = nil) -> ReceivedMessage {
    ReceivedMessage(subject: topic, body: ByteBuffer(string: body), repeatKey: key)
}
