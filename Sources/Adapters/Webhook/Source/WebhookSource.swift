package import BridgeCore
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Takes events in by `POST /api/webhooks/{id}` and `POST /n/{id}`.
///
/// A request is answered once its event is safe by the source's acknowledge policy. The paths exist as long as the source does:
/// while it does not run they answer 503, which senders try again, and not 404, which they take for final.
package final class WebhookSource: Source {
    package typealias Configuration = WebhookSourceConfiguration

    package static let kind: ComponentKind = "webhook"

    private let gate = WebhookGate()
    private let intakes: [ObjectIdentifier: NIOLoopBoundBox<WebhookIntake>]
    private let isReleasing = Atomic<Bool>(false)
    private let router: HTTPRouter
    private let registrations: [HTTPRouter.Registration]
    private let logger: Logger
    private let ids: [String]

    package init(configuration: WebhookSourceConfiguration, context: ComponentContext) throws {
        self.logger = context.logger
        self.ids = configuration.ids
        self.router = try context.shared.find(HTTPRouter.self)
        // Only the program counts refusals.
        let rules = WebhookRules(configuration, refusals: try? context.shared.find(HTTPRefusals.self))
        let gate = self.gate
        let metrics = WebhookMetrics(context.metrics)
        var intakes: [ObjectIdentifier: NIOLoopBoundBox<WebhookIntake>] = [:]
        for loop in context.eventLoopGroup.makeIterator() {
            intakes[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                WebhookIntake(eventLoop: loop, gate: gate, rules: rules, timeout: configuration.timeout, metrics: metrics),
                eventLoop: loop
            )
        }
        self.intakes = intakes
        // What signs or brings a token of its own is let in by that.
        let isOpen = configuration.token == nil && configuration.signature == nil
        let access = isOpen ? try? context.shared.find(HTTPAccessService.self).access : nil
        self.registrations = try Self.register(configuration, on: self.router, intakes, access) { request in
            let refusal = rules.refusal(of: request, gate)
            if let refusal { metrics.answered(refusal.status) }
            return refusal
        }
    }

    deinit {
        self.registrations.forEach(self.router.unregister)
    }

    package func run(_ outlet: SourceOutlet) async throws {
        self.gate.phase = .open(outlet)
        outlet.onChange { [weak self] in self?.changed(outlet) }
        defer { outlet.onChange(nil) }
        self.gate.follow(outlet)
        outlet.connected()
        self.logger.notice("Webhook source takes requests", metadata: ["ids": "\(self.ids.joined(separator: ", "))"])
        do {
            try await outlet.untilStopping()
            self.gate.phase = .stopping
            // Behind every request that saw the gate open.
            try await self.onEachLoop { _ in }
            try await outlet.untilSafe(outlet.send([]).position)
            let safe = outlet.safe
            try await self.onEachLoop { $0.release(through: safe) }
        } catch {
            self.gate.phase = .stopping
            // The loops run on after a cancellation.
            try? await self.onEachLoop { $0.giveUp() }
            throw error
        }
    }

    /// Answers what has become safe, with one hop per loop however often the outlet calls meanwhile.
    private func changed(_ outlet: SourceOutlet) {
        guard self.gate.waitingRequests > 0 || self.gate.isPaused,
            !self.isReleasing.exchange(true, ordering: .sequentiallyConsistent)
        else { return }
        guard let first = self.intakes.values.first?.eventLoop else { return }
        first.execute {
            self.isReleasing.store(false, ordering: .sequentiallyConsistent)
            self.gate.follow(outlet)
            let safe = outlet.safe
            for box in self.intakes.values {
                if box.eventLoop.inEventLoop {
                    box.value.release(through: safe)
                } else {
                    box.eventLoop.execute { box.value.release(through: safe) }
                }
            }
        }
    }

    private func onEachLoop(_ body: @escaping @Sendable (WebhookIntake) -> Void) async throws {
        for box in self.intakes.values {
            try await box.eventLoop.submit { body(box.value) }.get()
        }
    }

    private static func register(
        _ configuration: WebhookSourceConfiguration, on router: HTTPRouter,
        _ intakes: [ObjectIdentifier: NIOLoopBoundBox<WebhookIntake>], _ access: (any HTTPAccess)?,
        admit: @escaping HTTPRouter.Admission
    ) throws -> [HTTPRouter.Registration] {
        var registrations: [HTTPRouter.Registration] = []
        do {
            for id in configuration.ids {
                for (path, status) in [("/api/webhooks/\(id)", HTTPResponseStatus.ok), ("/n/\(id)", .created)] {
                    registrations.append(
                        try router.register(
                            .POST, path, bodyLimit: configuration.maxBody,
                            admit: admit,
                            authorize: access.map { WebhookRules.authorization($0, id: id) },
                            // No page can sign a body or bring a token by itself.
                            writes: configuration.token == nil && configuration.signature == nil,
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
            throw ComponentError(.settings, "the webhook cannot be offered", isRetryable: false, cause: error)
        }
        return registrations
    }
}
