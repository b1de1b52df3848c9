package import BridgeCore
import Curl
import Logging
import NIOCore
import Synchronization

/// Sends one HTTP request for each event.
///
/// The status of the answer decides, and its body where the settings name a member of it: success confirms the event, a permanent refusal makes it a dead letter, and a
/// temporary one (`retry.on`) retries it before later events, within `retry.attempts` and `retry.for`. A malformed
/// answer counts as a temporary refusal. So does a time-out while the peer answers other requests. The sink waits for a
/// peer that is unreachable or answers nothing. It gives up an event on which the peer repeatedly closes the connection
/// while it answers other requests.
package final class WebhookSink: Sink {
    /// `webhook`.
    package static let kind: ComponentKind = "webhook"

    /// The templates of each variant, in the order of the variants.
    package let templates: [[Template]]
    private let configuration: Configuration
    private let requests: [WebhookRequest]
    private let curl: CurlMulti
    private let bodyTimeouts: WebhookBodyTimeouts
    private let poison = PoisonMessageDetector()
    private let silences = WebhookSilences()
    private let refusals = RefusalStreak()
    private let probeTimeout: Duration
    private let redaction: Redaction
    /// The last `run` failed, so the peer counts as connected only once it has answered again.
    private let isUnconfirmed = Atomic(false)
    private let recovery: RecoveryLog

    /// Makes a sink that connects when it has events.
    ///
    /// - Parameter variants: the settings of the file first, then those that routes have changed; never empty.
    /// - Throws: when there is no shared ``CurlMulti`` or libcurl cannot be loaded.
    package convenience init(variants: [Configuration], context: ComponentContext) throws {
        try self.init(variants: variants, context: context, probeTimeout: .seconds(5))
    }

    /// - Parameter probeTimeout: the longest time for a probe.
    init(variants: [Configuration], context: ComponentContext, probeTimeout: Duration) throws {
        guard let configuration = variants.first else { preconditionFailure("a sink has settings") }
        self.configuration = configuration
        self.probeTimeout = probeTimeout
        self.redaction = context.redaction
        self.recovery = RecoveryLog(logger: context.logger)
        let failures = Self.omissions(context)
        self.templates = variants.map { variant in
            [variant.url] + variant.headers.values.flatMap(\.templates) + (variant.body?.templates ?? [])
                + (variant.json?.templates ?? [])
        }
        self.requests = variants.map { WebhookRequest($0, headerFailures: failures) }
        self.curl = try context.shared.find(CurlMulti.self)
        try CurlMulti.load()
        self.bodyTimeouts = WebhookBodyTimeouts(context.eventLoopGroup.next())
    }

    /// Sends events until stopping.
    ///
    /// - Throws: `ComponentError` when the peer cannot be reached or refuses for now.
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

    /// Keeps as many requests in flight as allowed; when one fails, the others may end before that is thrown.
    private func deliver(_ inlet: SinkInlet) async throws {
        // Yields when deliveries are available or a request has ended.
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let inFlight = InFlight()
        inlet.onAvailable { change.yield() }
        defer { inlet.onAvailable(nil) }
        change.yield()
        await withDiscardingTaskGroup { group in
            let reader = EventReader()
            for await _ in changes {
                guard let requests = self.takeMore(inlet, inFlight, reader) else { break }
                for (delivery, request) in requests {
                    group.addTask {
                        do {
                            try await self.send(request, for: delivery, inlet)
                            inFlight.ended(nil)
                        } catch {
                            inFlight.ended(error)
                        }
                        change.yield()
                    }
                }
            }
        }
        try Task.checkCancellation()
        if let failure = inFlight.failure { throw failure }
    }

    /// Takes further deliveries, up to the limit in flight.
    ///
    /// - Returns: `nil` when the inlet has ended.
    private func takeMore(
        _ inlet: SinkInlet, _ inFlight: InFlight, _ reader: EventReader
    ) -> [(Delivery, CurlRequest)]? {
        var requests: [(Delivery, CurlRequest)] = []
        while inFlight.failure == nil, inFlight.count < self.configuration.inFlight {
            switch inlet.poll(atMost: self.configuration.inFlight - inFlight.count) {
            case .empty: return requests
            case .ended: return inFlight.count == 0 ? nil : requests
            case .batch(let deliveries):
                reader.begin(deliveries)
                defer { reader.endBatch() }
                for delivery in deliveries {
                    do throws(WebhookRefusal) {
                        requests.append((delivery, try self.requests[delivery.variant].request(for: delivery, reader)))
                        inFlight.began()
                    } catch {
                        inlet.refuse(delivery, error.reason)
                    }
                }
            }
        }
        return inFlight.failure == nil ? requests : nil
    }

    /// How many requests are in flight, and the first failure.
    ///
    /// Guarded by its lock.
    private final class InFlight: Sendable {
        private let state = Mutex<(count: Int, failure: (any Error)?)>((0, nil))

        var count: Int { self.state.withLock { $0.count } }
        var failure: (any Error)? { self.state.withLock { $0.failure } }

        func began() {
            self.state.withLock { $0.count += 1 }
        }

        func ended(_ failure: (any Error)?) {
            self.state.withLock { state in
                state.count -= 1
                state.failure = state.failure ?? failure
            }
        }
    }

    /// - Parameter isLast: the peer was seen to answer after connections were lost on this delivery.
    private func send(
        _ request: CurlRequest, for delivery: Delivery, _ inlet: SinkInlet, isLast: Bool = false
    ) async throws {
        // The path of many webhooks is a secret.
        let peer = CurlRequest.origin(of: request.url)
        let response: WebhookAnswer
        // A peer that an event stops altogether answers before it, if it is started again.
        var answeredBefore = false
        if self.silences.areSuspicious(delivery) { answeredBefore = await self.answers(otherwiseThanTo: request) }
        do {
            response = try await self.answer(to: request)
        } catch {
            try Task.checkCancellation()
            if error.code == .timedOut {
                let failure = await self.timedOut(error, request, delivery, inlet, answeredBefore: answeredBefore)
                try Task.checkCancellation()
                throw failure
            }
            guard !error.isOfAnswer else {
                self.poison.answered(delivery)
                // The peer is up and has the event: waiting would repeat the same event forever and block all later
                // ones.
                let reason = "\(peer) sent an answer that cannot be used: \(error.message)"
                inlet.postpone(delivery, reason)
                throw ComponentError(.protocolViolation, reason)
            }
            if error.code == .lost, self.poison.lost(alone: delivery), await self.answers(otherwiseThanTo: request) {
                // A peer that has just come back accepts it.
                guard isLast else { return try await self.send(request, for: delivery, inlet, isLast: true) }
                self.poison.answered(delivery)
                inlet.refuse(delivery, "\(peer) closes the connection on this event: \(error.message)")
                return
            }
            throw Self.error(error, peer)
        }
        self.poison.answered(delivery)
        self.silences.ended(delivery)
        if self.isUnconfirmed.exchange(false, ordering: .relaxed) { inlet.connected() }
        let head = response.head
        let isSuccess = self.configuration.success.statuses.contains(head.status)
        let verdict = response.verdict(self.configuration.answerReading)
        if isSuccess, verdict.meaning == .accepted {
            self.refusals.ended()
            self.recovery.passed(.working, at: peer)
            inlet.confirm(delivery)
        } else if self.configuration.retriedStatuses.contains(head.status)
            || (isSuccess && (verdict.wait != nil || verdict.meaning == .unknown))
        {
            let reason = "\(peer) answered \(self.described(response))"
            inlet.postpone(delivery, reason)
            let wait = head.retryAfter(now: Int(Timestamp.now().milliseconds / 1000))
            throw ComponentError(
                head.status == 429 || verdict.wait != nil ? .throttled : .rejected, reason,
                retryAfter: [wait, verdict.wait].compactMap { $0 }.max()
            )
        } else if self.configuration.retriedStatuses == WebhookRetryStatuses.standard,
            let remedy = self.requests[delivery.variant].remedy(for: head)
        {
            let reason = head.isRedirect ? "\(head.line): \(remedy)" : "\(self.described(response)); \(remedy)"
            guard self.refusals.refused() else {
                inlet.refuse(delivery, "the server answered \(reason)")
                return
            }
            self.isUnconfirmed.store(true, ordering: .relaxed)
            inlet.postpone(delivery, "\(peer) answered \(reason)")
            throw ComponentError(head.isRedirect ? .rejected : .unauthorized, "\(peer) answers every event with \(reason)")
        } else {
            self.refusals.ended()
            self.recovery.passed(.working, at: peer)
            let place = head.isRedirect ? head["location"].map { ": it points to \(CurlRequest.printable($0))" } : nil
            inlet.refuse(delivery, "the server answered \(place.map { head.line + $0 } ?? self.described(response))")
        }
    }

    /// Decides whether a time-out is one of the event, which is then tried within its limits, or of the peer, which is waited for.
    ///
    /// With `retry.for`, it also limits the wait for a peer that accepts requests and answers none.
    private func timedOut(
        _ error: CurlError, _ request: CurlRequest, _ delivery: Delivery, _ inlet: SinkInlet, answeredBefore: Bool
    ) async -> ComponentError {
        let peer = CurlRequest.origin(of: request.url)
        guard error.wasSent else { return Self.error(error, peer) }
        var answersOthers = answeredBefore
        if !answersOthers { answersOthers = await self.answers(otherwiseThanTo: request) }
        let isBlamed = self.silences.note(delivery, answersOthers: answersOthers)
        let what = "\(peer) accepted the request but did not answer within \(self.configuration.timeout)"
        guard isBlamed || self.configuration.limitsTime else { return ComponentError(.timedOut, what) }
        let reason = answersOthers ? "\(what), though it answers others" : what
        inlet.postpone(delivery, reason)
        return ComponentError(.timedOut, reason)
    }

    /// Makes a request and waits for the answer: its head, and the body within a limit.
    private func answer(to request: CurlRequest) async throws(CurlError) -> WebhookAnswer {
        let kept = self.configuration.answerReading.kept
        let result: Result<WebhookAnswer, CurlError> = await self.curl.result(of: request) {
            WebhookReception($0, bodyTimeouts: self.bodyTimeouts, kept: kept, done: $1)
        }
        return try result.get()
    }

    /// Whether the peer answers a request that has nothing to do with any event.
    ///
    /// A proxy whose server is away accepts connections and closes them too: then nothing can be blamed on the event. `OPTIONS` changes
    /// nothing at the peer (RFC 9110 §9.3.7).
    private func answers(otherwiseThanTo request: CurlRequest) async -> Bool {
        let probe = CurlRequest(
            CurlRequest.origin(of: request.url) + "/", method: "OPTIONS", headers: [("User-Agent", "streambridge")],
            tls: request.tls, connectTimeout: self.probeTimeout, timeout: self.probeTimeout, unixSocket: request.unixSocket,
            proxy: request.proxy
        )
        // Why there is none does not matter.
        return (try? await self.answer(to: probe)) != nil
    }

    /// Status, phrase and the beginning of the body, without control characters and without secrets.
    private func described(_ response: WebhookAnswer) -> String {
        let body = response.body
        let whole = String(decoding: body.readableBytesView, as: UTF8.self)
        // Before anything is cut off: a peer may quote the request.
        let text = self.redaction.redacted(whole, isCut: response.isCut || body.readableBytes >= WebhookReception.excerptLimit)
            .unicodeScalars.prefix(200)
        let line = text.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) }
        let words = String(line).split(separator: " ").joined(separator: " ")
        return words.isEmpty ? response.head.line : "\(response.head.line): \(words)"
    }

    /// Why a request got no answer.
    static func error(_ error: CurlError, _ peer: String) -> ComponentError {
        let code: ComponentError.Code
        switch error.code {
        case .refused, .resolve, .tls: code = .connectionRefused
        case .timedOut: code = .timedOut
        default: code = .connectionLost
        }
        return ComponentError(code, "\(peer): \(error.message)")
    }
}

extension WebhookSink: ReachableComponent {
    /// That of the sink's own address, where no expression decides it.
    package var peers: [PeerAddress] {
        let url = self.configuration.url
        let prefix = url.staticPrefix
        // An expression may be part of the host's name.
        let isComplete = prefix.firstRange(of: "://").map { prefix[$0.upperBound...].contains("/") } ?? false
        guard self.configuration.proxy == nil, let peer = CurlRequest.peer(of: url.constant ?? (isComplete ? prefix : "")) else {
            return []
        }
        return [PeerAddress(host: peer.host, port: peer.port)]
    }
}
