import BridgeCore
import NIOCore

/// The commands of one connection of a sink: sends them and settles deliveries by their answers.
///
/// On the event loop of the connection.
struct RedisPipeline: Sendable {
    /// The limits of one write.
    private static let most = (commands: 512, bytes: 4 << 20)

    /// The state that changes from write to write.
    struct State {
        let reader = EventReader()
        /// Deliveries taken and not yet sent.
        var waiting: ArraySlice<Delivery> = []
        /// Completes when the last write is answered and settled.
        var settled: EventLoopFuture<Void>?
    }

    let inlet: SinkInlet
    let connection: RedisConnection
    let encode: RedisPublisher.Encoding
    let poison: PoisonMessageDetector
    /// For each variant of the settings, whether all its events have the same key.
    let hasConstantKey: [Bool]
    let refusals: RefusalStreak
    let recovery: RecoveryLog
    let state: NIOLoopBoundBox<State>

    /// One write at a time: a redirected one must not be overtaken, and a failed one must not be followed by another.
    func publish(_ drain: InletPump) {
        guard !drain.hasEnded else { return }
        var state = self.state.value
        defer { self.state.value = state }
        let window = self.poison.window(atMost: Self.most.commands)
        if state.waiting.isEmpty {
            let taken = drain.take(atMost: window)
            state.reader.begin(taken)
            state.waiting = taken[...]
        }
        guard !state.waiting.isEmpty else { return }
        let (commands, sent) = self.encoded(&state, atMost: window)
        if state.waiting.isEmpty { state.reader.endBatch() }
        guard !sent.isEmpty else {
            drain.resume()
            return
        }
        let settled = self.connection.channel.eventLoop.makePromise(of: Void.self)
        state.settled = settled.futureResult
        let time = ContinuousClock.now
        self.connection.send(commands, replies: sent.count) { answers in
            let failure = self.settle(sent, answers, since: time)
            settled.succeed()
            if let failure { drain.stop(failure) } else { self.publish(drain) }
        }
    }

    /// Waits until the last write is answered and settled; returns soon after the connection has ended.
    func untilSettled() async {
        let last = try? await self.connection.channel.eventLoop.submit { self.state.value.settled }.get()
        // Never fails.
        try? await last?.get()
    }

    private func encoded(_ state: inout State, atMost limit: Int) -> (ByteBuffer, [Delivery]) {
        var commands = ByteBuffer()
        var sent: [Delivery] = []
        sent.reserveCapacity(min(limit, state.waiting.count))
        while sent.count < limit, commands.readableBytes < Self.most.bytes, let delivery = state.waiting.popFirst() {
            let length = commands.writerIndex
            do {
                try self.encode(delivery, state.reader, &commands)
                sent.append(delivery)
            } catch {
                commands.moveWriterIndex(to: length)
                self.inlet.refuse(delivery, RedisCommand.refusal(error))
            }
        }
        return (commands, sent)
    }

    /// Settles each delivery by its own answer.
    ///
    /// - Parameter time: when they were sent.
    /// - Returns: why the connection is unusable; `nil` if it is usable.
    private func settle(
        _ sent: [Delivery], _ answers: RedisAnswers, since time: ContinuousClock.Instant
    ) -> (any Error)? {
        let peer = self.connection.peer
        var failure: (any Error)?
        // Confirmed together as long as no event was skipped.
        var confirmed: Delivery?
        var isComplete = true
        for (delivery, reply) in zip(sent, answers.replies) {
            guard case .error(let text) = reply else {
                if self.hasConstantKey[delivery.variant] { self.refusals.ended() }
                if isComplete { confirmed = delivery } else { self.inlet.confirm(delivery) }
                continue
            }
            var verdict = RedisFailure.verdict(text, peer, followsNodes: self.connection.followsNodes)
            if case .keyRefused(let error) = verdict {
                let isOfSink = self.hasConstantKey[delivery.variant] && self.refusals.refused()
                verdict = isOfSink ? .postponed(error) : .refused(error.message)
            }
            switch verdict {
            case .refused(let reason):
                self.inlet.refuse(delivery, reason)
            case .postponed(let error), .keyRefused(let error):
                isComplete = self.confirm(&confirmed)
                self.inlet.postpone(delivery, error.message)
                failure = failure ?? error
            case .unavailable(let error):
                isComplete = self.confirm(&confirmed)
                failure = failure ?? error
            }
        }
        _ = self.confirm(&confirmed)
        self.poison.settled(answers.replies.count)
        guard let lost = answers.failure else { return failure }
        return failure ?? self.blaming(lost, sent.dropFirst(answers.replies.count), since: time)
    }

    /// - Returns: false, the new value of whether further answers are confirmed together.
    private func confirm(_ delivery: inout Delivery?) -> Bool {
        if let last = delivery {
            self.inlet.confirm(through: last)
            self.recovery.passed(.working, at: self.connection.peer)
        }
        delivery = nil
        return false
    }

    /// Refuses the delivery on which the server repeatedly closes the connection, sends malformed answers, or does not
    /// answer.
    ///
    /// A server that answers the login on each connection and then fails on the same message is not just unavailable.
    private func blaming(
        _ error: any Error, _ unanswered: ArraySlice<Delivery>, since time: ContinuousClock.Instant
    ) -> any Error {
        guard var lost = error as? ComponentError, [.connectionLost, .timedOut, .protocolViolation].contains(lost.code) else {
            return error
        }
        let isSilent = lost.code == .timedOut
        let suspect = unanswered.first.map { ($0, isSilent ? .now : time) }
        guard self.poison.lost(suspect, of: unanswered.count), let first = unanswered.first else { return lost }
        let failure =
            switch lost.code {
            case .timedOut: "does not answer"
            case .protocolViolation: "sends no valid answer to"
            default: "closes the connection on"
            }
        lost.message = "\(self.connection.peer) \(failure) the message: \(lost.message)"
        self.inlet.refuse(first, lost.description)
        return lost
    }
}
