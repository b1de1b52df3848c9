package import BridgeCore
import HTTPServer
import Logging
import NIOCore

/// The SSE endpoint: serves events at `GET /api/stream/{stream}`.
///
/// An event is confirmed once it is in the stream's memory and being sent to subscribers; others resume later and get
/// it then. Path and history exist as long as the sink, also between runs: a browser that gets a 404 during startup
/// does not reconnect.
package final class SSESink: RestorableSink {
    /// The settings of an SSE sink.
    package typealias Configuration = SSESinkConfiguration

    /// The value of `type:`.
    package static let kind: ComponentKind = "sse"

    private let service: SSEService
    let stream: SSEStream
    private let logger: Logger

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
        self.stream = self.service.hub.add(variants[0], metrics)
        self.logger = context.logger
    }

    deinit {
        self.service.hub.remove(self.stream)
    }

    var hub: SSEHub { self.service.hub }

    /// The templates of the stream's name and of the events' types.
    package var templates: [[Template]] { [[self.stream.settings.stream, self.stream.settings.event]] }

    /// How many published events the stream keeps for clients that resume: `replay.events`.
    package var historyLimit: Int { self.stream.settings.replay.events }

    /// Fills the stream's memory with the events that the log still holds, before the first `run`.
    package func restore(_ history: SinkHistory) async {
        var batches: [SSEBatch] = []
        var rest = history.events[...]
        let reader = EventReader()
        var offset: UInt64 = 0
        while let first = rest.first {
            // Equal times and consecutive numbers suggest one batch.
            let piece = rest.prefix(512).enumerated().prefix { place, next in
                next.sequence == first.sequence + UInt64(place) && next.accepted == first.accepted
            }.map(\.element)
            rest = rest.dropFirst(piece.count)
            let names = self.stream.isFixed ? nil : piece.map { (try? self.stream.name(of: $0.event, reader)) ?? "" }
            let types = self.stream.hasTypes ? piece.map { try? self.stream.type(of: $0.event, reader) } : nil
            let batch = SSEBatch(
                piece.map(\.event), SSELabels(names: names, types: types), stream: self.stream, first: first.sequence,
                offset: offset, time: first.accepted
            )
            offset = batch.endOffset
            batches.append(batch)
        }
        self.hub.restore(self.stream, batches, forgotten: history.forgotten)
    }

    /// Stops publishing, and returns the reserved sequence numbers that were not used.
    package func finish() async {
        await self.hub.finish()
    }

    /// Publishes deliveries until the inlet ends; connects to nothing, so it counts as connected at once.
    package func run(_ inlet: SinkInlet) async throws {
        inlet.connected()
        self.logger.notice(
            "Serving SSE stream",
            metadata: ["path": "\(SSEService.path)/\(self.stream.settings.stream.text)", "epoch": "\(self.hub.epoch)"]
        )
        try await SSEStreamPublisher(inlet: inlet, hub: self.hub, stream: self.stream).run()
        await self.hub.close(self.stream, within: self.stream.settings.drain)
    }
}
