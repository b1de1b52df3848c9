package import BridgeCore
import HTTPServer
import Logging
import NIOCore

/// The SSE endpoint: offers what it is given at `GET /api/stream/{stream}`.
///
/// An event is confirmed once it is in the stream's memory and on its way to those who listen; subscribers that were away ask for
/// what they missed. Path and history live as long as the sink, whatever happens to its `run`: a browser that is answered 404 while the
/// program starts does not come back.
package final class SSESink: RestorableSink {
    package typealias Configuration = SSESinkConfiguration

    package static let kind: ComponentKind = "sse"

    private let service: SSEService
    let stream: SSEStream
    private let logger: Logger

    package init(variants: [SSESinkConfiguration], context: ComponentContext) throws {
        let router = try context.shared.find(HTTPRouter.self)
        let access = try? context.shared.find(HTTPAccessService.self).access
        // Only the program counts refusals.
        let refusals = try? context.shared.find(HTTPRefusals.self)
        let metrics = SSEMetrics(context.metrics, logger: context.logger)
        do {
            self.service = try context.shared.find(SSEService.self) {
                try SSEService(
                    router: router, group: context.eventLoopGroup, access: access, refusals: refusals, metrics: metrics,
                    ledger: SSELedger(cursors: context.isDurable ? context.cursors : nil))
            }
        } catch {
            throw ComponentError(.settings, "streams cannot be offered at \(SSEService.path)", isRetryable: false, cause: error)
        }
        self.stream = self.service.hub.add(variants[0], metrics)
        self.logger = context.logger
    }

    deinit {
        self.service.hub.remove(self.stream)
    }

    var hub: SSEHub { self.service.hub }

    package var templates: [[Template]] { [[self.stream.settings.stream]] }

    package var historyLimit: Int { self.stream.settings.replay.events }

    package func restore(_ history: SinkHistory) async {
        var batches: [SSEBatch] = []
        var rest = history.events[...]
        let reader = EventReader()
        var offset: UInt64 = 0
        while let first = rest.first {
            // Published together, as far as anybody can tell.
            let piece = rest.prefix(512).enumerated().prefix { place, next in
                next.sequence == first.sequence + UInt64(place) && next.accepted == first.accepted
            }.map(\.element)
            rest = rest.dropFirst(piece.count)
            let names = self.stream.isFixed ? nil : piece.map { (try? self.stream.name(of: $0.event, reader)) ?? "" }
            let batch = SSEBatch(
                piece.map(\.event), names: names, stream: self.stream, first: first.sequence, offset: offset, time: first.accepted
            )
            offset = batch.endOffset
            batches.append(batch)
        }
        self.hub.restore(self.stream, batches, forgotten: history.forgotten)
    }

    package func finish() async {
        await self.hub.finish()
    }

    package func run(_ inlet: SinkInlet) async throws {
        inlet.connected()
        self.logger.notice(
            "SSE stream offered",
            metadata: ["path": "\(SSEService.path)/\(self.stream.settings.stream.text)", "epoch": "\(self.hub.epoch)"]
        )
        try await SSEFeed(inlet: inlet, hub: self.hub, stream: self.stream).run()
        await self.hub.close(self.stream, within: self.stream.settings.drain)
    }
}
