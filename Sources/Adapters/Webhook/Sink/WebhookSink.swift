package import BridgeCore
import Curl
import NIOCore
import Synchronization

/// Tells an HTTP peer of each event by one request.
///
/// An event is confirmed once the peer has answered with success. What a peer refuses for good (4xx) goes to the dead letters; what it
/// refuses for now (408, 425, 429, 5xx) is tried again, in its place in the order, as often as `retry.attempts` allows, and so is what it
/// answers with something that is no answer. A peer that cannot be reached or does not answer is waited for.
package final class WebhookSink: Sink {
    package static let kind: ComponentKind = "webhook"

    private let configuration: Configuration
    private let requests: [WebhookRequest]
    private let curl: CurlMulti
    /// The last `run` failed, so the peer counts as connected only once it has answered again.
    private let isInDoubt = Atomic(false)

    package init(variants: [Configuration], context: ComponentContext) throws {
        guard let configuration = variants.first else { preconditionFailure("a sink has settings") }
        self.configuration = configuration
        self.requests = variants.map(WebhookRequest.init)
        self.curl = try context.shared.find(CurlMulti.self)
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

    /// Keeps as many requests under way as allowed; when one fails, the others may end before that is thrown.
    private func handOn(_ inlet: SinkInlet) async throws {
        // Yields when something is to take or a request has ended.
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let underWay = UnderWay()
        inlet.onAvailable { change.yield() }
        defer { inlet.onAvailable(nil) }
        change.yield()
        await withDiscardingTaskGroup { group in
            let reader = EventReader()
            for await _ in changes {
                guard let requests = self.takeMore(inlet, underWay, reader) else { break }
                for (delivery, request) in requests {
                    group.addTask {
                        do {
                            try await self.send(request, for: delivery, inlet)
                            underWay.ended(nil)
                        } catch {
                            underWay.ended(error)
                        }
                        change.yield()
                    }
                }
            }
        }
        try Task.checkCancellation()
        if let failure = underWay.failure { throw failure }
    }

    /// Takes as many deliveries as may be under way beside those that are.
    ///
    /// - Returns: `nil` when nothing more is to be taken ever.
    private func takeMore(
        _ inlet: SinkInlet, _ underWay: UnderWay, _ reader: EventReader
    ) -> [(Delivery, CurlRequest)]? {
        var requests: [(Delivery, CurlRequest)] = []
        while underWay.failure == nil, underWay.count < self.configuration.inFlight {
            switch inlet.poll(atMost: self.configuration.inFlight - underWay.count) {
            case .empty: return requests
            case .ended: return underWay.count == 0 ? nil : requests
            case .batch(let deliveries):
                for delivery in deliveries {
                    do throws(WebhookRefusal) {
                        requests.append((delivery, try self.requests[delivery.variant].request(for: delivery, reader)))
                        underWay.began()
                    } catch {
                        inlet.refuse(delivery, error.reason)
                    }
                }
            }
        }
        return underWay.failure == nil ? requests : nil
    }

    /// How many requests are under way, and the first failure.
    ///
    /// Behind its lock.
    private final class UnderWay: Sendable {
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

    private func send(_ request: CurlRequest, for delivery: Delivery, _ inlet: SinkInlet) async throws {
        // Of many webhooks the path is the secret.
        let peer = CurlRequest.origin(of: request.url)
        let response: CurlResponse
        do {
            response = try await self.curl.response(to: request, bodyLimit: 512)
        } catch {
            try Task.checkCancellation()
            guard error.isOfAnswer else { throw Self.error(error, peer) }
            // It is there and has the event: waiting for it would offer the same event for ever and hold back all that follow.
            let reason = "\(peer) sent an answer that cannot be used: \(error.message)"
            inlet.postpone(delivery, reason)
            throw ComponentError(.protocolViolation, reason)
        }
        if self.isInDoubt.exchange(false, ordering: .relaxed) { inlet.connected() }
        let head = response.head
        switch head.status {
        case _ where self.configuration.success.contains(head.status):
            inlet.confirm(delivery)
        case 408, 425, 429, 500...:
            let reason = "\(peer) answered \(Self.told(response))"
            inlet.postpone(delivery, reason)
            throw ComponentError(
                head.status == 429 ? .throttled : .rejected, reason,
                retryAfter: head.retryAfter(now: Int(Timestamp.now().milliseconds / 1000))
            )
        case 300..<400:
            let place = head["location"].map { ": it points to \(CurlRequest.printable($0))" } ?? ""
            inlet.refuse(delivery, "the server answered \(head.line)\(place)")
        default:
            inlet.refuse(delivery, "the server answered \(Self.told(response))")
        }
    }

    /// Status, phrase and the beginning of the body, without control characters.
    private static func told(_ response: CurlResponse) -> String {
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
