package import BridgeCore
import Curl
import Logging
import NIOCore
import Synchronization

/// Tells an HTTP peer of each event by one request.
///
/// The status of the answer decides: success confirms the event, what the peer refuses for good goes to the dead letters, and what it
/// refuses for now (`retry.on`) is tried again, in its place in the order, within `retry.attempts` and `retry.for`. What is no answer of
/// HTTP counts as refused for now, and so does a time-out of an event while the peer answers otherwise. A peer that cannot be reached or
/// answers nothing at all is waited for; an event on which it closes the connection again and again, while it answers otherwise, is given up.
package final class WebhookSink: Sink {
    package static let kind: ComponentKind = "webhook"

    package let templates: [[Template]]
    private let configuration: Configuration
    private let requests: [WebhookRequest]
    private let curl: CurlMulti
    private let drains: WebhookDrains
    private let poison = PoisonMessageDetector()
    private let silences = WebhookSilences()
    private let refusals = RefusalStreak()
    private let probeTimeout: Duration
    /// The last `run` failed, so the peer counts as connected only once it has answered again.
    private let isInDoubt = Atomic(false)

    package convenience init(variants: [Configuration], context: ComponentContext) throws {
        try self.init(variants: variants, context: context, probeTimeout: .seconds(5))
    }

    /// - Parameter probeTimeout: how long a sign of life may take.
    init(variants: [Configuration], context: ComponentContext, probeTimeout: Duration) throws {
        guard let configuration = variants.first else { preconditionFailure("a sink has settings") }
        self.configuration = configuration
        self.probeTimeout = probeTimeout
        let failures = OmissionReport(
            context, counter: "webhook_headers_failed", help: "Headers that were left out because their templates failed.",
            message: "Header left out because its template failed"
        )
        self.templates = variants.map { variant in
            [variant.url] + Array(variant.headers.values) + [variant.body].compactMap { $0 } + (variant.json?.templates ?? [])
        }
        self.requests = variants.map { WebhookRequest($0, headerFailures: failures) }
        self.curl = try context.shared.find(CurlMulti.self)
        self.drains = WebhookDrains(context.eventLoopGroup.next())
    }

    package func run(_ inlet: SinkInlet) async throws {
        // There is no connection to wait for before the first event.
        if !self.isInDoubt.load(ordering: .relaxed) { inlet.connected() }
        do {
            try await self.handOn(inlet)
        } catch {
            self.isInDoubt.store(true, ordering: .relaxed)
            throw error
        }
    }

    /// Keeps as many requests in flight as allowed; when one fails, the others may end before that is thrown.
    private func handOn(_ inlet: SinkInlet) async throws {
        // Yields when something is to take or a request has ended.
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

    /// Takes as many deliveries as may be in flight beside those that are.
    ///
    /// - Returns: `nil` when nothing more is to be taken ever.
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
    /// Behind its lock.
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
        // Of many webhooks the path is the secret.
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
                // It is there and has the event: waiting for it would offer the same event for ever and hold back all that follow.
                let reason = "\(peer) sent an answer that cannot be used: \(error.message)"
                inlet.postpone(delivery, reason)
                throw ComponentError(.protocolViolation, reason)
            }
            if error.code == .lost, self.poison.lost(alone: delivery), await self.answers(otherwiseThanTo: request) {
                // A peer that has come back just now takes it.
                guard isLast else { return try await self.send(request, for: delivery, inlet, isLast: true) }
                self.poison.answered(delivery)
                inlet.refuse(delivery, "\(peer) closes the connection on this event: \(error.message)")
                return
            }
            throw Self.error(error, peer)
        }
        self.poison.answered(delivery)
        self.silences.ended(delivery)
        if self.isInDoubt.exchange(false, ordering: .relaxed) { inlet.connected() }
        let head = response.head
        if self.configuration.success.contains(head.status) {
            self.refusals.ended()
            inlet.confirm(delivery)
        } else if self.configuration.retriedStatuses.contains(head.status) {
            let reason = "\(peer) answered \(Self.described(response))"
            inlet.postpone(delivery, reason)
            throw ComponentError(
                head.status == 429 ? .throttled : .rejected, reason,
                retryAfter: head.retryAfter(now: Int(Timestamp.now().milliseconds / 1000))
            )
        } else if self.configuration.retriedStatuses == WebhookRetryStatuses.standard,
            let remedy = self.requests[delivery.variant].remedy(for: head)
        {
            let reason = head.isRedirect ? "\(head.line): \(remedy)" : "\(Self.described(response)); \(remedy)"
            guard self.refusals.refused() else {
                inlet.refuse(delivery, "the server answered \(reason)")
                return
            }
            self.isInDoubt.store(true, ordering: .relaxed)
            inlet.postpone(delivery, "\(peer) answered \(reason)")
            throw ComponentError(head.isRedirect ? .rejected : .unauthorized, "\(peer) answers every event with \(reason)")
        } else {
            self.refusals.ended()
            let place = head.isRedirect ? head["location"].map { ": it points to \(CurlRequest.printable($0))" } : nil
            inlet.refuse(delivery, "the server answered \(place.map { head.line + $0 } ?? Self.described(response))")
        }
    }

    /// Decides whether a time-out is one of the event, which is then tried within its limits, or of the peer, which is waited for.
    ///
    /// Where the file sets `retry.for`, a peer that takes requests and answers none is waited for no longer than that either.
    private func timedOut(
        _ error: CurlError, _ request: CurlRequest, _ delivery: Delivery, _ inlet: SinkInlet, answeredBefore: Bool
    ) async -> ComponentError {
        let peer = CurlRequest.origin(of: request.url)
        guard error.wasSent else { return Self.error(error, peer) }
        var answersOthers = answeredBefore
        if !answersOthers { answersOthers = await self.answers(otherwiseThanTo: request) }
        let isBlamed = self.silences.note(delivery, answersOthers: answersOthers)
        let what = "\(peer) took the request and did not answer within \(self.configuration.timeout)"
        guard isBlamed || self.configuration.limitsTime else { return ComponentError(.timedOut, what) }
        let reason = answersOthers ? "\(what), though it answers others" : what
        inlet.postpone(delivery, reason)
        return ComponentError(.timedOut, reason)
    }

    /// Makes a request and waits for the answer: its head, and the body as far as that comes soon.
    private func answer(to request: CurlRequest) async throws(CurlError) -> WebhookAnswer {
        let transfer = self.curl.transfer()
        let result: Result<WebhookAnswer, CurlError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.curl.start(transfer, request) {
                    WebhookReception(transfer, drains: self.drains) { continuation.resume(returning: $0) }
                }
                // A cancellation that came before the start found nothing to cancel.
                if Task.isCancelled { transfer.cancel() }
            }
        } onCancel: {
            transfer.cancel()
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

    /// Status, phrase and the beginning of the body, without control characters.
    private static func described(_ response: WebhookAnswer) -> String {
        let text = String(decoding: response.body.readableBytesView.prefix(200), as: UTF8.self)
        let line = text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) }
        let words = String(line).split(separator: " ").joined(separator: " ")
        return words.isEmpty ? response.head.line : "\(response.head.line): \(words)"
    }

    private static func error(_ error: CurlError, _ peer: String) -> ComponentError {
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
