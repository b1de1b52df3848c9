package import BridgeCore
import HTTPServer
import Logging
import NIOCore
import Synchronization

/// The SSE endpoint: serves events at `GET /api/stream/{stream}`.
///
/// An event is confirmed once it is in the stream's memory and being sent to subscribers; others resume later and get
/// it then. Path and history exist as long as the sink, also between runs: a browser that gets a 404 during startup
/// does not reconnect.
package final class SSESink: RestorableSink, StagedComponent {
    /// The settings of an SSE sink.
    package typealias Configuration = SSESinkConfiguration

    /// The value of `type:`.
    package static let kind: ComponentKind = "sse"

    private let service: SSEService
    let stream: SSEStream
    let logger: Logger
    /// How the restored snapshot differs from the one in the log; `nil` once that is recorded.
    let restoredChanges = Mutex<SnapshotChanges?>(nil)
    /// Whether the stream waits for its activation.
    let isStaged: Bool
    /// Restores the history of a stream that waits for its activation.
    let restoring = Mutex<(@Sendable () -> Void)?>(nil)

    /// Registers the stream at the endpoint, which the first sink creates.
    ///
    /// - Throws: ``ComponentError`` when the paths of the endpoint are taken.
    package init(variants: [SSESinkConfiguration], context: ComponentContext) throws {
        let router = try context.shared.find(HTTPRouter.self)
        let access = try? context.shared.find(HTTPAccessService.self).access
        // The program alone counts refusals; tests may have no counter.
        let refusals = try? context.shared.find(HTTPRefusals.self)
        let metrics = SSEMetrics(context.metrics, logger: context.logger)
        do {
            self.service = try context.shared.find(SSEService.self) {
                try SSEService(
                    router: router, group: context.eventLoopGroup, access: access, refusals: refusals, metrics: metrics,
                    reservation: SSESequenceReservation(cursors: context.isDurable ? context.cursors : nil))
            }
        } catch {
            throw ComponentError(.settings, "streams cannot be served at \(SSEService.path)", isRetryable: false, cause: error)
        }
        self.stream = self.service.hub.makeStream(variants[0], metrics)
        self.logger = context.logger
        self.isStaged = context.isStaged
        if !context.isStaged { self.hub.add(self.stream) }
    }

    /// Offers the stream; one of the same name continues the history of its predecessor.
    package func activate(succeeding predecessor: (any Component)?) {
        let old = (predecessor as? SSESink)?.stream
        let known = old.map { self.hub.snapshotSequences(of: $0) } ?? []
        self.hub.add(self.stream, succeeding: old)
        let lost = Set(known).subtracting(self.hub.snapshotSequences(of: self.stream))
        // With other settings, it begins again.
        if !lost.isEmpty { self.restoredChanges.withLock { $0 = SnapshotChanges(removed: lost.sorted()) } }
        let restoring = self.restoring.withLock { $0.take() }
        restoring?()
    }

    /// Removes the stream, whose subscribers have left.
    package func retire() {
        self.hub.remove(self.stream)
    }

    deinit {
        self.service.hub.remove(self.stream)
    }

    var hub: SSEHub { self.service.hub }

    /// The templates of the stream's name, of the events' types and of the snapshot.
    package var templates: [[Template]] {
        let settings = self.stream.settings
        return [[settings.stream, settings.event] + (settings.snapshot.map { [$0.key, $0.remove] } ?? [])]
    }

    /// How many published events the stream keeps for clients that resume: `replay.events`.
    package var historyLimit: Int { self.stream.settings.replay.events }

    /// Stops publishing, and returns the reserved sequence numbers that were not used.
    package func finish() async {
        await self.hub.finish()
    }

    /// Publishes deliveries until the inlet ends; connects to nothing, so it counts as connected at once.
    package func run(_ inlet: SinkInlet) async throws {
        inlet.connected()
        let changes = self.restoredChanges.withLock { $0.take() }
        if let changes { inlet.number([], from: 0, snapshot: changes) }
        self.logger.notice(
            "Serving SSE stream",
            metadata: ["path": "\(SSEService.path)/\(self.stream.settings.stream.text)", "epoch": "\(self.hub.epoch)"]
        )
        try await SSEStreamPublisher(inlet: inlet, hub: self.hub, stream: self.stream).run()
        await self.hub.close(self.stream, within: self.stream.settings.drain)
    }
}
