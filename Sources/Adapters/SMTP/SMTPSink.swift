package import BridgeCore
import Curl
import Logging
import NIOCore
import Synchronization

/// Sends one mail for each event (`type: smtp`), in order, over one connection that is used again.
///
/// The server's reply decides: acceptance confirms the event, a permanent refusal (5xx) makes it a dead letter, and a
/// temporary one (4xx) retries it before later events, within `retry.attempts` and `retry.for`. A refused login and a
/// server that is unreachable are waited for. Of several receivers, those that the server accepts get the mail.
package final class SMTPSink: Sink {
    /// `smtp`.
    package static let kind: ComponentKind = "smtp"

    /// The templates of each variant, in the order of the variants.
    package let templates: [[Template]]
    private let configuration: Configuration
    private let makers: [SMTPMailMaker]
    private let curl: CurlMulti
    private let progress = Mutex(SMTPProgress())
    private let refusals = RefusalStreak()
    private let refusedRecipients: BurstLog
    private let recovery: RecoveryLog
    /// The last `run` failed, so the server counts as connected only once it has accepted a mail again.
    private let isUnconfirmed = Atomic(false)
    /// The server has answered something: the address has the right scheme.
    private let hasAnswered = Atomic(false)

    /// Makes a sink that connects when it has events.
    ///
    /// - Parameter variants: the settings of the file first, then those that routes have changed; never empty.
    /// - Throws: when there is no shared ``CurlMulti`` or libcurl cannot be loaded.
    package init(variants: [Configuration], context: ComponentContext) throws {
        guard let configuration = variants.first else { preconditionFailure("a sink has settings") }
        self.configuration = configuration
        self.recovery = RecoveryLog(logger: context.logger)
        self.refusedRecipients = BurstLog(
            "Mail server refused a receiver; others got the mail",
            counter: context.metrics.counter(
                "smtp_recipients_refused", help: "Receivers that the server refused while others got the mail."),
            logger: context.logger)
        let failures = Self.omissions(context)
        self.templates = variants.map(\.templates)
        self.makers = variants.map { SMTPMailMaker($0, headerFailures: failures) }
        self.curl = try context.shared.find(CurlMulti.self)
        try CurlMulti.load()
    }

    private var peer: String { self.configuration.url.text }
    private var words: SMTPWords { SMTPWords(configuration: self.configuration) }

    /// Sends events until stopping.
    ///
    /// - Throws: `ComponentError` when the server cannot be reached or refuses for now.
    package func run(_ inlet: SinkInlet) async throws {
        // There is no connection to wait for before the first event.
        if !self.isUnconfirmed.load(ordering: .relaxed) { inlet.connected() }
        do {
            try await self.recovery.track { try await self.deliver(inlet) }
        } catch {
            self.isUnconfirmed.store(true, ordering: .relaxed)
            throw error
        }
    }

    private func deliver(_ inlet: SinkInlet) async throws {
        let reader = EventReader()
        while true {
            let batch = try await inlet.next(atMost: 16)
            guard !batch.isEmpty else { return }
            reader.begin(batch)
            defer { reader.endBatch() }
            for delivery in batch {
                let mail: (to: [String], body: ByteBuffer)
                do throws(SMTPRefusal) {
                    mail = try self.makers[delivery.variant].mail(for: delivery, reader)
                } catch {
                    inlet.refuse(delivery, error.reason)
                    continue
                }
                try await self.send(mail.body, to: mail.to, delivery, inlet)
            }
        }
    }

    private func send(_ body: ByteBuffer, to all: [String], _ delivery: Delivery, _ inlet: SinkInlet) async throws {
        let recipients = self.progress.withLock { $0.remaining(delivery, of: all) }
        let (replies, error) = await self.transfer(body, to: recipients)
        try Task.checkCancellation()
        if !replies.isEmpty { self.hasAnswered.store(true, ordering: .relaxed) }
        let outcome = SMTPOutcome(replies, error, recipients: recipients.count)
        switch outcome {
        case .denied, .failed: break
        case .sent, .noRecipient, .senderRefused, .messageRefused:
            self.progress.withLock { $0.replied() }
            if case .senderRefused = outcome { break }
            self.refusals.ended()
        }
        switch outcome {
        case .sent(let replies):
            self.accepted()
            if self.isUnconfirmed.exchange(false, ordering: .relaxed) { inlet.connected() }
            try self.settle(zip(recipients, replies).map { ($0, $1) }, wasSent: true, delivery, inlet)
        case .noRecipient(let replies):
            try self.settle(zip(recipients, replies).map { ($0, $1) }, wasSent: false, delivery, inlet)
        case .messageRefused(let reply):
            guard !reply.isTemporary else { throw self.postponed(delivery, "\(self.peer) answered \(reply)", inlet) }
            inlet.refuse(delivery, "the server answered \(reply)")
        case .senderRefused(let reply):
            try self.refuseSender(reply, delivery, inlet)
        case .denied(let reply):
            throw ComponentError(.unauthorized, self.words.denied(reply))
        case .failed(let reply):
            try self.fail(error, reply, replies, delivery, inlet)
        }
    }

    private func accepted() {
        self.recovery.passed(.working, at: self.peer)
    }

    private func settle(
        _ replies: [(recipient: String, reply: SMTPReply)], wasSent: Bool, _ delivery: Delivery, _ inlet: SinkInlet
    ) throws {
        switch self.progress.withLock({ $0.answered(replies, wasSent: wasSent) }) {
        case .refuse(let reason): inlet.refuse(delivery, reason)
        case .retry(let reason):
            self.noteRefused(replies, delivery)
            throw self.postponed(delivery, "\(self.peer): \(reason)", inlet)
        case .confirm:
            self.noteRefused(replies, delivery)
            inlet.confirm(delivery)
        }
    }

    private func noteRefused(_ replies: [(recipient: String, reply: SMTPReply)], _ delivery: Delivery) {
        for (recipient, reply) in replies where !reply.isAccepted && !reply.isTemporary {
            self.refusedRecipients.note(["recipient": "\(recipient)", "reply": "\(reply)", "event": "\(delivery.event.id)"])
        }
    }

    /// A refused sender concerns every mail, unless it follows from one mail.
    private func refuseSender(_ reply: SMTPReply, _ delivery: Delivery, _ inlet: SinkInlet) throws {
        guard !reply.isTemporary else { throw self.postponed(delivery, "\(self.peer) answered \(reply)", inlet) }
        guard self.refusals.refused() else {
            inlet.refuse(delivery, "the server refuses the sender: \(reply)")
            return
        }
        self.isUnconfirmed.store(true, ordering: .relaxed)
        let reason = "\(self.peer) refuses the sender of every mail: \(reply); check from, user and password"
        inlet.postpone(delivery, reason)
        throw ComponentError(.unauthorized, reason)
    }

    private func postponed(_ delivery: Delivery, _ reason: String, _ inlet: SinkInlet) -> ComponentError {
        inlet.postpone(delivery, reason)
        return ComponentError(.rejected, reason)
    }

    /// There is no session, or it ended early.
    private func fail(
        _ error: CurlError?, _ reply: SMTPReply?, _ replies: [SMTPReply], _ delivery: Delivery, _ inlet: SinkInlet
    ) throws {
        guard let error else { throw ComponentError(.protocolViolation, "\(self.peer) sent no reply that can be used") }
        // The server asked for the content, and may have accepted it.
        if reply == nil, replies.contains(where: { $0.code == 354 }), [.lost, .timedOut].contains(error.code) {
            let isSlow = error.code == .timedOut
            let reason =
                isSlow
                ? "\(self.peer) does not accept this mail within timeout, so receivers may get it more than once; raise timeout: \(error.message)"
                : "\(self.peer) closes the connection on this mail: \(error.message)"
            if self.progress.withLock({ $0.lost() }) { return inlet.refuse(delivery, reason) }
            // Unlike a lost connection, it is likely to happen again.
            if isSlow {
                inlet.postpone(delivery, reason)
                throw ComponentError(.timedOut, reason)
            }
        }
        throw self.words.error(error, reply, hasAnswered: self.hasAnswered.load(ordering: .relaxed))
    }

    /// A request to the server without an envelope.
    static func request(_ configuration: Configuration, body: ByteBuffer?, timeout: Duration) -> CurlRequest {
        CurlRequest(
            configuration.url.text, body: body, user: configuration.user, password: configuration.password?.value,
            tls: CurlTLS(
                authorities: configuration.tls.authorities, certificate: configuration.tls.certificate,
                key: configuration.tls.key, isInsecure: configuration.tls.isInsecure),
            connectTimeout: timeout, timeout: timeout)
    }

    private func transfer(_ body: ByteBuffer, to recipients: [String]) async -> ([SMTPReply], CurlError?) {
        let configuration = self.configuration
        var request = Self.request(configuration, body: body, timeout: configuration.timeout)
        request.mail = CurlMail(
            sender: configuration.from?.address ?? "", recipients: recipients, startTLS: configuration.security)
        return await Self.replies(to: request, self.curl)
    }

    /// Makes a request, and waits for the server's replies and what libcurl says.
    static func replies(to request: CurlRequest, _ curl: CurlMulti) async -> ([SMTPReply], CurlError?) {
        await curl.result(of: request) { _, done in
            SMTPReception(needsLogin: request.user != nil) { done(($0, $1)) }
        }
    }
}

extension SMTPSink: ReachableComponent {
    /// The mail server.
    package var peers: [PeerAddress] { [PeerAddress(host: self.configuration.url.host, port: self.configuration.url.port)] }
}
