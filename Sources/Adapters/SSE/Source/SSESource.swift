package import BridgeCore
import Curl
import Logging

/// Reads a stream of server-sent events (WHATWG HTML §9.2) and resumes after every interruption.
///
/// The response is received on the thread of ``CurlMulti`` and sent to the outlet there; the task of ``run(_:)`` waits
/// for its end and stores the cursor.
package final class SSESource: Source {
    /// `sse`.
    package static let kind: ComponentKind = "sse"

    private let configuration: Configuration
    private let context: ComponentContext
    private let curl: CurlMulti
    private let reading: SSEReading
    private let progress: SSEProgress
    private let offline: OfflineTracker
    private let recovery: RecoveryLog

    /// Makes a source that connects when it runs.
    ///
    /// - Throws: when there is no shared ``CurlMulti`` or libcurl cannot be loaded.
    package convenience init(configuration: Configuration, context: ComponentContext) throws {
        try self.init(configuration: configuration, context: context, reconnect: SSEReconnectPolicy())
    }

    /// - Parameter reconnect: how long to wait between connections.
    init(configuration: Configuration, context: ComponentContext, reconnect: SSEReconnectPolicy) throws {
        self.progress = SSEProgress(reconnect)
        self.configuration = configuration
        self.context = context
        self.curl = try context.shared.find(CurlMulti.self)
        try CurlMulti.load()
        self.reading = SSEReading(configuration, metrics: context.metrics)
        self.recovery = RecoveryLog(logger: context.logger)
        self.offline = OfflineTracker(context, peer: "\(self.reading.url) \(configuration.unixSocket ?? "")")
    }

    /// Reads one stream until it ends or the source stops.
    ///
    /// - Throws: `ComponentError` when the stream is refused, cannot be reached or is lost.
    package func run(_ outlet: SourceOutlet) async throws {
        try await self.recovery.track {
            try await self.offline.track { try await self.read(outlet) }
        }
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
            // Any end of the connection while stopping is intended.
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
                self.curl.start(transfer, request) {
                    [progress = self.progress, reading = self.reading, offline = self.offline, recovery = self.recovery] in
                    SSEReception(
                        outlet: outlet, progress: progress, reading: reading, offline: offline, recovery: recovery, from: point
                    ) {
                        continuation.resume(returning: $0)
                    }
                }
                // Changes and cancellations before the start had no effect on the transfer.
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

    /// Moves the cursor over safe events, a few times a second at most, until it is cancelled.
    private func keepCursor(_ outlet: SourceOutlet) async throws {
        while true {
            try await outlet.untilSafe(self.progress.signal.wait { self.progress.firstPending })
            try self.moveCursor(outlet)
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func moveCursor(_ outlet: SourceOutlet) throws {
        guard let point = self.progress.take(safe: outlet.safe) else { return }
        try self.context.cursors.move(point.text(stream: self.configuration.stream), of: self.context.name)
    }

    /// The position stored by an earlier run, or the configured start.
    private var storedPoint: SSEResumePoint {
        let stream = self.configuration.stream
        if let text = self.context.cursors.cursor(of: self.context.name) {
            if let point = SSEResumePoint(text, stream: stream), SSEProgress.isUsable(point.id) { return point }
            self.context.logger.notice(
                "Stored id ignored; it belongs to another URL", metadata: ["url": "\(self.reading.url)"]
            )
        }
        return SSEResumePoint(id: self.configuration.lastEventID ?? "", past: stream)
    }

    // MARK: - Errors

    private func error(_ error: CurlError) -> ComponentError {
        ComponentError(
            Self.code(of: error), "\(self.reading.url): \(error.message)", retryAfter: self.progress.wait(isOrderly: false))
    }

    /// The class of a failed transfer.
    static func code(of error: CurlError) -> ComponentError.Code {
        switch error.code {
        case .refused, .resolve, .tls: .connectionRefused
        case .timedOut: .timedOut
        case .request: .rejected
        default: .connectionLost
        }
    }

    private func error(refusal head: CurlHead) -> ComponentError {
        let wait = self.progress.wait(
            afterStatus: head.status, retryAfter: head.retryAfter(now: Int(Timestamp.now().milliseconds / 1000)))
        let (code, message) = Self.refusal(head, self.reading.url)
        guard head.status != 204 else { return ComponentError(code, message, isRetryable: false) }
        return ComponentError(code, message, retryAfter: wait)
    }

    /// Why a response is no stream of events, with the remedy.
    static func refusal(_ head: CurlHead, _ url: String) -> (code: ComponentError.Code, message: String) {
        let answered = "\(url) answered \(head.line)"
        switch head.status {
        case 200:
            let type = head["content-type"].map { "content of type \($0)" } ?? "content of unknown type"
            return (
                .protocolViolation,
                "\(answered) with \(type); text/event-stream was expected; write the address of the stream itself"
            )
        case 204: return (.rejected, "\(answered): the stream has ended permanently")
        case 300..<400:
            return (.rejected, "\(answered) without a Location to follow; 200 with text/event-stream was expected")
        case 401, 403:
            return (.unauthorized, "\(answered); 200 was expected; check token, user, password and headers")
        case 407: return (.unauthorized, "\(answered); 200 was expected; check user and password in proxy")
        case 404, 410: return (.rejected, "\(answered); 200 was expected; check the path of url")
        case 429: return (.throttled, "\(answered); 200 was expected")
        default: return (.rejected, "\(answered); 200 was expected")
        }
    }
}

extension SSESource: ReachableComponent {
    /// The host of the URL; empty behind a proxy or a Unix socket.
    package var peers: [PeerAddress] {
        // Behind a proxy or a Unix socket the client does not connect to the host of the URL.
        guard self.configuration.proxy == nil, self.configuration.unixSocket == nil,
            let peer = CurlRequest.peer(of: self.configuration.url)
        else { return [] }
        return [PeerAddress(host: peer.host, port: peer.port)]
    }
}
