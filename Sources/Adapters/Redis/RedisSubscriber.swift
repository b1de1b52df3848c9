import BridgeCore
import NIOCore

/// Receives the answers of a subscribed connection: confirmations first, then messages, one batch per read.
///
/// Lives on the connection's event loop.
final class RedisSubscriber: RedisReceiver {
    private let outlet: SourceOutlet
    private let connection: RedisConnection
    private var unconfirmed: Int
    private let confirmed: EventLoopPromise<Void>
    /// The bodies of one read, in one allocation; messages get slices of it.
    private var bodies = ByteBuffer()
    private var batch: [(subject: String, pattern: String?, body: Range<Int>)] = []
    private var lastSubject: (bytes: [UInt8], text: String) = ([], "")
    /// `nil` when no message can match twice.
    private var copies: RedisOverlapDeduplicator?

    /// - Parameters:
    ///   - channels: how many confirmations of channels to expect.
    ///   - patterns: how many confirmations of patterns to expect.
    ///   - confirmed: succeeds with the last of them.
    init(
        outlet: SourceOutlet, connection: RedisConnection, channels: Int, patterns: Int, confirmed: EventLoopPromise<Void>
    ) {
        self.outlet = outlet
        self.connection = connection
        self.unconfirmed = channels + patterns
        self.copies = patterns > 0 && channels + patterns > 1 ? RedisOverlapDeduplicator() : nil
        self.confirmed = confirmed
    }

    func received(_ reply: RedisReplyView) {
        guard reply.count >= 2, let kind = reply[0] else {
            if reply.isError { self.confirmed.fail(RedisFailure.error(reply.text, self.connection.peer)) }
            return
        }
        if kind.hasText("message"), let channel = reply[1], let body = reply[2] {
            self.add(channel, pattern: nil, body)
        } else if kind.hasText("pmessage"), let pattern = reply[1], let channel = reply[2], let body = reply[3] {
            self.add(channel, pattern: pattern, body)
        } else if kind.hasText("subscribe") || kind.hasText("psubscribe") {
            self.unconfirmed -= 1
            if self.unconfirmed == 0 { self.confirmed.succeed() }
        } else if kind.hasText("unsubscribe") || kind.hasText("punsubscribe") {
            // Not requested: a proxy sends this when it moves its clients, and no message would follow.
            let name = reply[1].map { " from '\($0.text.prefix(100))'" } ?? ""
            self.connection.fail(
                ComponentError(.connectionLost, "\(self.connection.peer) ended the subscription\(name) unexpectedly"))
        }
    }

    func readComplete() {
        guard !self.batch.isEmpty else { return }
        let bodies = self.bodies
        let messages = self.batch.map { message in
            RedisSource.message(
                subject: message.subject, pattern: message.pattern,
                body: bodies.getSlice(at: message.body.lowerBound, length: message.body.count) ?? ByteBuffer())
        }
        self.batch.removeAll(keepingCapacity: true)
        self.bodies = ByteBuffer()
        if case .pause = self.outlet.send(messages).demand { self.connection.follow(self.outlet) }
    }

    private func add(_ channel: RedisReplyView, pattern: RedisReplyView?, _ body: RedisReplyView) {
        if channel.isError || body.isError {
            let omission = (channel.isError ? RedisOmission(channel.text) : nil) ?? RedisOmission(body.text)
            if let omission { return self.giveUp(channel, pattern: pattern, omission) }
        }
        guard self.copies?.isCopy(channel.bytes, pattern: pattern?.bytes, body.bytes) != true else { return }
        if !self.lastSubject.bytes.withUnsafeBytes(channel.hasBytes) { self.lastSubject = (Array(channel.bytes), channel.text) }
        let start = self.bodies.writerIndex
        self.bodies.writeBytes(body.bytes)
        self.batch.append((self.lastSubject.text, pattern?.text, start..<self.bodies.writerIndex))
    }

    /// A message that exceeds the limits becomes a dead letter, or a gap.
    private func giveUp(_ channel: RedisReplyView, pattern: RedisReplyView?, _ omission: RedisOmission) {
        self.readComplete()
        let subject = channel.isError ? "" : channel.text
        let which = channel.isError ? "a channel" : "the channel \(subject)"
        let reason = "a message of \(which) is too large to be read: \(omission.reason)"
        let message = ReceivedMessage(
            subject: subject, body: ByteBuffer(string: reason),
            attributes: pattern.map { Attributes([("pattern", $0.text)]) } ?? Attributes()
        )
        if case .pause = self.outlet.giveUp(message, reason: reason, attempts: 1).demand { self.connection.follow(self.outlet) }
    }
}
