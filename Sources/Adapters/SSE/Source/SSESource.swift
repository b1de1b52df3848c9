package import BridgeCore
import Curl
import Logging

/// Reads a stream of server-sent events (WHATWG HTML §9.2) and goes on where it was after every interruption.
///
/// The response is received on the thread of ``CurlMulti`` and sent into the outlet there; the task of ``run(_:)`` waits for its end
/// and keeps the cursor.
package final class SSESource: Source {
    package static let kind: ComponentKind = "sse"

    private let configuration: Configuration
    private let context: ComponentContext
    private let curl: CurlMulti
    private let reading: SSEReading
    private let progress = SSEProgress()
    private let offline: OfflineTracker

    package init(configuration: Configuration, context: ComponentContext) throws {
        self.configuration = configuration
        self.context = context
        self.curl = try context.shared.find(CurlMulti.self)
        self.reading = SSEReading(configuration, metrics: context.metrics)
        self.offline = OfflineTracker(context, peer: "\(self.reading.url) \(configuration.unixSocket ?? "")")
    }

    package func run(_ outlet: SourceOutlet) async throws {
        try await self.offline.track { try await self.read(outlet) }
    }

    private func read(_ outlet: SourceOutlet) async throws {
        let point = self.configuration.resumes ? self.progress.resumePoint { self.storedPoint } : SSEResumePoint(id: "", past: 0)
        do {
            try await withThrowingTaskGroup { group in
                group.addTask { try await self.receive(outlet, from: point) }
                if self.configuration.resumes { group.addTask { try await self.keepCursor(outlet) } }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            // Whatever ends the connection while we stop is what stopping wanted.
            guard outlet.isStopping, !Task.isCancelled else { throw error }
        }
        if self.configuration.resumes, let last = self.progress.lastPending {
            try await outlet.untilSafe(last)
            try self.moveCursor(outlet)
        }
    }

    /// Returns once the source is stopping; throws why the stream ended otherwise.
    private func receive(_ outlet: SourceOutlet, from point: SSEResumePoint) async throws {
        let request = self.configuration.request(lastEventID: point.id)
        let transfer = self.curl.transfer()
        outlet.onChange { transfer.wake() }
        defer { outlet.onChange(nil) }
        let ending = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.curl.start(transfer, request) { [progress = self.progress, reading = self.reading, offline = self.offline] in
                    SSEReception(outlet: outlet, progress: progress, reading: reading, offline: offline, from: point) {
                        continuation.resume(returning: $0)
                    }
                }
                // What changed before the start woke nobody, and a cancellation found nothing to cancel.
                transfer.wake()
                if Task.isCancelled { transfer.cancel() }
            }
        } onCancel: {
            transfer.cancel()
        }
        try Task.checkCancellation()
        switch ending {
        case .refused(let head): throw self.error(refusal: head)
        case .ended(let error?) where error.code == .stopped: return
        case .ended(let error?): throw self.error(error)
        case .ended(nil):
            throw ComponentError(
                .connectionLost, "\(self.reading.url) ended the stream", retryAfter: self.progress.wait(isOrderly: true)
            )
        }
    }

    // MARK: - Cursor

    /// Moves the cursor behind what becomes safe, a few times a second at most, until it is cancelled.
    private func keepCursor(_ outlet: SourceOutlet) async throws {
        for await _ in self.progress.changes() {
            while let first = self.progress.firstPending {
                try await outlet.untilSafe(first)
                try self.moveCursor(outlet)
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        try Task.checkCancellation()
    }

    private func moveCursor(_ outlet: SourceOutlet) throws {
        guard let point = self.progress.take(safe: outlet.safe) else { return }
        try self.context.cursors.move(point.text(stream: self.configuration.stream), of: self.context.name)
    }

    /// Where an earlier run has left the stream, or the file says to begin.
    private var storedPoint: SSEResumePoint {
        let stream = self.configuration.stream
        if let text = self.context.cursors.cursor(of: self.context.name) {
            if let point = SSEResumePoint(text, stream: stream), SSEProgress.isUsable(point.id) { return point }
            self.context.logger.notice(
                "The id that is kept is of another address and is not used", metadata: ["url": "\(self.reading.url)"]
            )
        }
        return SSEResumePoint(id: self.configuration.lastEventID ?? "", past: stream)
    }

    // MARK: - Errors

    private func error(_ error: CurlError) -> ComponentError {
        let code: ComponentError.Code
        switch error.code {
        case .refused, .resolve, .tls: code = .connectionRefused
        case .timedOut: code = .timedOut
        case .request: code = .rejected
        default: code = .connectionLost
        }
        return ComponentError(code, "\(self.reading.url): \(error.message)", retryAfter: self.progress.wait(isOrderly: false))
    }

    private func error(refusal head: CurlHead) -> ComponentError {
        let wait = self.progress.wait(
            afterStatus: head.status, retryAfter: head.retryAfter(now: Int(Timestamp.now().milliseconds / 1000)))
        let answered = "\(self.reading.url) answered \(head.line)"
        switch head.status {
        case 200:
            let type = head["content-type"].map { "content of type \($0)" } ?? "content of no type"
            return ComponentError(
                .protocolViolation, "\(answered) with \(type); text/event-stream was expected", retryAfter: wait)
        case 204:
            return ComponentError(.rejected, "\(answered): the stream is over for good", isRetryable: false)
        case 300..<400:
            return ComponentError(
                .rejected, "\(answered) without a Location to follow; 200 with text/event-stream was expected", retryAfter: wait)
        case 401, 403:
            return ComponentError(
                .unauthorized, "\(answered); 200 was expected; check token, user, password and headers", retryAfter: wait)
        case 407:
            return ComponentError(
                .unauthorized, "\(answered); 200 was expected; check user and password in proxy", retryAfter: wait)
        case 429:
            return ComponentError(.throttled, "\(answered); 200 was expected", retryAfter: wait)
        default:
            return ComponentError(.rejected, "\(answered); 200 was expected", retryAfter: wait)
        }
    }
}

extension SSESource: ReachableComponent {
    package var peers: [PeerAddress] {
        // Behind a proxy or a Unix socket the host of the URL is not what is connected to.
        guard self.configuration.proxy == nil, self.configuration.unixSocket == nil,
            let peer = CurlRequest.peer(of: self.configuration.url)
        else { return [] }
        return [PeerAddress(host: peer.host, port: peer.port)]
    }
}
