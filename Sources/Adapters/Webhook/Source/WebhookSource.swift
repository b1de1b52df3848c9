package import BridgeCore
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1

/// Receives events by `/api/webhooks/{id}` and `/n/{id}`.
///
/// A request is answered once its event is safe by the source's acknowledge policy. The paths exist as long as the
/// source: while it does not run they answer 503, which senders retry, and not 404, which they treat as final.
package final class WebhookSource: Source, StagedComponent {
    /// The settings of a webhook source.
    package typealias Configuration = WebhookSourceConfiguration

    /// The value of `type:`.
    package static let kind: ComponentKind = "webhook"

    private let gate = WebhookGate()
    private let loops: [Loop]
    private let router: HTTPRouter
    private let registrations: [HTTPRouter.Registration]
    private let logger: Logger
    private let ids: [String]

    /// Registers the paths of all ids with the program's router; `deinit` removes them.
    ///
    /// - Throws: ``ComponentError`` when another source has one of the ids.
    package init(configuration: WebhookSourceConfiguration, context: ComponentContext) throws {
        self.logger = context.logger
        self.ids = configuration.ids
        self.router = try context.shared.find(HTTPRouter.self)
        // Only the program counts refusals.
        let rules = WebhookRefusals(configuration, refusals: try? context.shared.find(HTTPRefusals.self))
        let gate = self.gate
        let metrics = WebhookMetrics(context.metrics)
        self.loops = context.eventLoopGroup.makeIterator().map { eventLoop in
            let waiting = WebhookWaiting()
            let intake = WebhookIntake(
                eventLoop: eventLoop, gate: gate, count: waiting, rules: rules, configuration: configuration, metrics: metrics)
            return Loop(intake: .makeBoxSendingValue(intake, eventLoop: eventLoop), waiting: waiting)
        }
        let access = configuration.isOpen ? try? context.shared.find(HTTPAccessService.self).access : nil
        self.registrations = try Self.register(configuration, on: self.router, self.loops, access) { request in
            let refusal = rules.refusal(of: request, gate)
            if let refusal { metrics.answered(refusal.status) }
            return refusal
        }
    }

    deinit {
        self.retire()
    }

    /// Removes the paths; one that another source has taken over stays.
    package func retire() {
        self.registrations.forEach(self.router.unregister)
    }

    /// Accepts requests until the outlet stops, then waits until those in flight are answered.
    ///
    /// - Throws: `CancellationError`; requests that wait are then answered 503.
    package func run(_ outlet: SourceOutlet) async throws {
        self.gate.phase = .open(outlet)
        outlet.onChange { [weak self] in self?.changed(outlet) }
        defer { outlet.onChange(nil) }
        self.gate.follow(outlet)
        outlet.connected()
        self.logger.notice("Accepting webhook requests", metadata: ["ids": "\(self.ids.joined(separator: ", "))"])
        do {
            try await outlet.untilStopping()
            self.gate.phase = .stopping
            // After every request that saw the gate open.
            try await self.sendAll(to: outlet)
            try await outlet.untilSafe(outlet.send([]).position)
            let safe = outlet.safe
            try await self.onEachLoop { $0.release(through: safe) }
        } catch {
            self.gate.phase = .stopping
            // The loops run on after a cancellation.
            try? await self.sendAll(to: outlet)
            try? await self.onEachLoop { $0.giveUp() }
            throw error
        }
    }

    /// Answers requests whose events are safe, with one hop to each loop with waiting requests for any number of calls.
    private func changed(_ outlet: SourceOutlet) {
        var isAnyWoken = false
        for loop in self.loops where loop.waiting.count > 0 {
            self.wake(loop, outlet)
            isAnyWoken = true
        }
        // Somebody has to notice that a pause is over.
        if !isAnyWoken, self.gate.isPaused, let first = self.loops.first { self.wake(first, outlet) }
    }

    private func wake(_ loop: Loop, _ outlet: SourceOutlet) {
        guard loop.waiting.beginWaking() else { return }
        loop.intake.eventLoop.execute {
            loop.waiting.endWaking()
            self.gate.follow(outlet)
            loop.intake.value.release(through: outlet.safe)
        }
    }

    /// Sends what has arrived, with a turn of its loop for each chunk.
    private func sendAll(to outlet: SourceOutlet) async throws {
        for loop in self.loops {
            var hasMore = true
            while hasMore {
                hasMore = try await loop.intake.eventLoop.submit { loop.intake.value.sendChunk(to: outlet) }.get()
            }
        }
    }

    private func onEachLoop(_ body: @escaping @Sendable (WebhookIntake) -> Void) async throws {
        for loop in self.loops {
            try await loop.intake.eventLoop.submit { body(loop.intake.value) }.get()
        }
    }

    private static func register(
        _ configuration: WebhookSourceConfiguration, on router: HTTPRouter,
        _ loops: [Loop], _ access: (any HTTPAccess)?,
        admit: @escaping HTTPRouter.Admission
    ) throws -> [HTTPRouter.Registration] {
        var registrations: [HTTPRouter.Registration] = []
        let intakes = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.intake.eventLoop), $0.intake) })
        do {
            var methods = configuration.methods
            // Meta verifies by GET; the rules answer other requests with that method 405.
            if configuration.handshake?.verifyToken != nil, !methods.contains(.get) { methods.append(.get) }
            let targets = configuration.ids.flatMap { id in methods.map { (id, $0) } }
            var grant: HTTPRouter.Grant?
            if let settings = configuration.handshake {
                let handshake = WebhookHandshake(settings)
                grant = { request in handshake.grant(request) }
            }
            let isGuarded: (@Sendable () -> Bool)? = access.map { access in { @Sendable in access.isEnforced } }
            for (id, method) in targets {
                // Users copy addresses with a slash at the end, and some senders add one.
                let paths: [(String, HTTPResponseStatus)] = ["", "/"].flatMap { end in
                    [("/api/webhooks/\(id)\(end)", .ok), ("/n/\(id)\(end)", .created)]
                }
                for (path, status) in paths {
                    registrations.append(
                        try router.register(
                            method.http, path, bodyLimit: configuration.maxBody,
                            admit: admit,
                            authorize: access.map { WebhookRefusals.authorization($0, id: id) },
                            isGuarded: isGuarded,
                            grant: grant,
                            // A page cannot sign a body or send a token by itself; a browser adds Basic credentials for it.
                            writes: configuration.tokens.isEmpty && configuration.signature == nil,
                            handler: { request, responder in
                                intakes[ObjectIdentifier(responder.eventLoop)]?.value
                                    .take(request, id: id, status: status, responder)
                            }
                        )
                    )
                }
            }
        } catch {
            registrations.forEach(router.unregister)
            throw ComponentError(.settings, "the paths of the webhook cannot be registered", isRetryable: false, cause: error)
        }
        return registrations
    }

    /// What the source knows of one event loop.
    private struct Loop: Sendable {
        let intake: NIOLoopBoundBox<WebhookIntake>
        let waiting: WebhookWaiting
    }
}
