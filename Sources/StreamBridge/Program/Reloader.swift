import Access
import BridgeConfiguration
import BridgeCore
import Curl
import Expressions
import HTTPServer
import Logging
import NIOCore
import Synchronization

/// Reads the file again while the program runs, and continues with it: all of it or nothing.
///
/// First everything is made that can fail, while the old parts run. Then the changed and removed parts end, and the others
/// start. One reload at a time.
final class Reloader: Sendable {
    /// What no reload replaces.
    struct Services: Sendable {
        let factory: ComponentFactory
        let shared: SharedServices
        let router: HTTPRouter
        let refusals: HTTPRefusals
        let curl: CurlMulti
        let access: ReloadableAccess
        let pages: OperationsPages
        let listeners: Listeners
    }

    private struct Running {
        var plan: BridgePlan
        var parts: PlanParts
        /// The settings of each sink, by its name.
        var variants: [String: SinkVariants]
        var control: BridgeControl
    }

    private let file: String
    private let expressions: JQCompiler
    private let services: Services
    private let bridge: Bridge
    private let running: Mutex<Running>
    private let logger: Logger
    private let metrics: Metrics
    private let lastSuccess: Gauge
    /// Takes the paths of the files that the running configuration refers to, and when they began to be read.
    private let watches: @Sendable (Set<String>, Timestamp) -> Void

    /// - Parameters:
    ///   - plan: the file that the program runs with.
    ///   - watches: called with the files that the file refers to, now and after each reload.
    init(
        _ gateway: Gateway, _ services: Services, _ bridge: Bridge, _ control: BridgeControl,
        watches: @escaping @Sendable (Set<String>, Timestamp) -> Void
    ) {
        let plan = gateway.plan
        self.file = gateway.file
        self.expressions = gateway.expressions
        self.services = services
        self.bridge = bridge
        self.logger = gateway.logger("configuration")
        self.metrics = services.factory.metrics
        self.watches = watches
        self.running = Mutex(
            Running(
                plan: plan, parts: PlanParts(plan, contents: FileContents.hash),
                variants: Dictionary(uniqueKeysWithValues: plan.sinks.map { ($0.name, SinkVariants($0)) }), control: control))
        self.lastSuccess = self.metrics.gauge(
            "streambridge_config_last_load_success_seconds", help: "When the running configuration was loaded, since 1970.")
        self.lastSuccess.set(Int(Timestamp.now().milliseconds / 1000))
        for label in ["applied", "refused"] { _ = self.counter(label) }
        watches(ReferredFiles(plan: plan).readPaths, gateway.loaded)
    }

    private func counter(_ result: String) -> Counter {
        self.metrics.counter(
            "streambridge_config_reloads_total", help: "Reloads of the configuration, by result.", labels: [("result", result)])
    }

    /// Reads the file and continues with it.
    func reload(_ request: ReloadQueue.Request) async {
        let result: ReloadResult
        do throws(ConfigurationInput.Refusal) {
            result = .applied(try await self.reload())
        } catch {
            result = .refused(error)
        }
        self.counter(result.label).increment()
        self.log(result, request.cause)
        request.answer?(result)
    }

    private func log(_ result: ReloadResult, _ cause: ReloadQueue.Cause) {
        switch result {
        case .applied(let changes):
            self.lastSuccess.set(Int(Timestamp.now().milliseconds / 1000))
            var facts: Logger.Metadata = ["cause": "\(cause.rawValue)"]
            for (name, labels) in changes.lists { facts["\(name)"] = "\(labels.joined(separator: ", "))" }
            self.logger.notice(
                changes.isEmpty ? "Configuration reloaded; nothing has changed" : "Configuration reloaded", metadata: facts)
        case .refused(let refusal):
            let log = StartLog.log(self.logger)
            for diagnostic in refusal.diagnostics { log.report(diagnostic) }
            for message in refusal.messages { log.report(.error, message, file: self.file) }
            self.logger.error(
                "Configuration not reloaded; the running one stays in use",
                metadata: [
                    "cause": "\(cause.rawValue)", "errors": "\(refusal.diagnostics.count + refusal.messages.count)",
                ])
        }
    }

    private func reload() async throws(ConfigurationInput.Refusal) -> PlanChanges {
        let start = Timestamp.now()
        let plan = try ConfigurationInput(file: self.file, expressions: self.expressions).loadAgain()
        let running = self.running.withLock { $0 }
        let refusals = FixedSettings.refusals(from: running.plan, to: plan)
        guard refusals.isEmpty else { throw ConfigurationInput.Refusal(messages: refusals) }
        for warning in plan.warnings { StartLog.log(self.logger).report(warning) }
        var next = running
        next.plan = plan
        next.parts = PlanParts(plan, contents: FileContents.hash)
        do {
            let changes = try await self.apply(&next, from: running)
            let adopted = next
            self.running.withLock { $0 = adopted }
            self.watches(ReferredFiles(plan: plan).readPaths, start)
            return changes
        } catch {
            throw ConfigurationInput.Refusal(messages: ["\(error)"])
        }
    }

    /// - Throws: what keeps the new parts from starting; the old ones then run on.
    private func apply(_ next: inout Running, from running: Running) async throws -> PlanChanges {
        _ = try DescriptorLimit.raised(components: next.plan.components)
        let layout = try self.layout(&next, from: running)
        let changes = PlanChanges(from: running.parts, to: next.parts, mustChange: layout.mustChange)
        // Also where nothing has changed: the order of parts may have.
        let shared = self.services.shared.draft
        let router = HTTPRouter(draftOf: self.services.router)
        let control = Gateway.makeControl(next.plan, following: running.control)
        shared.add(router)
        shared.add(control)
        let reload = try self.parts(of: next, layout, Set(changes.kept), shared, control, from: running)
        let access = try await self.newAccess(next.plan, changes)
        let readsIdentity = changes.changed.contains { $0.hasPrefix("listener ") }
        let listeners = try await self.services.listeners.prepare(next.plan.http, readsIdentity: readsIdentity)
        let prepared: Bridge.PreparedReload
        do {
            prepared = try await self.bridge.prepare(reload)
        } catch {
            await self.services.listeners.discard(listeners)
            throw error
        }
        // Nothing fails from here on.
        next.control = control
        control.attach(self.bridge, metrics: self.metrics)
        let plan = next.plan
        _ = await self.bridge.apply(prepared) {
            router.activate()
            shared.commit()
            self.services.shared.add(self.services.router)
            self.services.pages.follow(plan)
            if case .replace(let rules) = access { self.services.access.replace(by: rules) }
        }
        await self.services.listeners.apply(listeners)
        return changes
    }

    /// How the variants of sinks continue, and which parts start again although they are the same.
    ///
    /// - Throws: ``SinkVariants/Refusal``.
    private func layout(
        _ next: inout Running, from running: Running
    ) throws(SinkVariants.Refusal) -> (sinks: [(indices: [Int], settings: [any ComponentConfiguration])], mustChange: Set<String>)
    {
        var sinks: [(indices: [Int], settings: [any ComponentConfiguration])] = []
        var mustChange: Set<String> = []
        var variants: [String: SinkVariants] = [:]
        for sink in next.plan.sinks {
            var known = running.variants[sink.name] ?? SinkVariants(sink)
            let (indices, settings, wereCurrent) = try known.add(sink)
            variants[sink.name] = known
            sinks.append((indices, settings))
            if !wereCurrent { mustChange.insert(PlanParts.sink(sink.name)) }
        }
        next.variants = variants
        for source in next.plan.sources where self.bridge.mustRestart(source: source.name, for: next.plan.routes) {
            mustChange.insert(PlanParts.source(source.name))
        }
        return (sinks, mustChange)
    }

    /// - Throws: ``ComponentError`` when a component cannot be made.
    private func parts(
        of next: Running, _ layout: (sinks: [(indices: [Int], settings: [any ComponentConfiguration])], mustChange: Set<String>),
        _ kept: Set<String>, _ shared: SharedServices, _ control: BridgeControl, from running: Running
    ) throws -> BridgeReload {
        let plan = next.plan
        let context = ComponentFactory.Context(
            shared: shared, references: plan.references, maximumHops: plan.service.maximumHops, isStaged: true)
        let sinks = try zip(plan.sinks, layout.sinks).map { sink, variants -> BridgeReload.Part<SinkParts> in
            guard !kept.contains(PlanParts.sink(sink.name)) else { return .kept(sink.name) }
            return .started(try self.services.factory.sink(sink, variants: variants.settings, context))
        }
        let sources = try plan.sources.map { source -> BridgeReload.Part<SourceParts> in
            guard !kept.contains(PlanParts.source(source.name)) else { return .kept(source.name) }
            return .started(try self.services.factory.source(source, context))
        }
        let routes = plan.routes.map { route in
            var route = route
            route.targets = route.targets.map { target in
                var target = target
                target.variant = layout.sinks[target.sink.rawValue].indices[target.variant]
                return target
            }
            return route
        }
        return BridgeReload(
            sources: sources, sinks: sinks, routes: routes, unrouted: plan.unroutedSink,
            keptRoutes: Self.keptRoutes(from: running.plan, to: plan), eventLimits: plan.limits, limits: Gateway.limits(plan.log),
            switches: control.switches)
    }

    private static func keptRoutes(from old: BridgePlan, to new: BridgePlan) -> [RouteIndex: RouteIndex] {
        let known = Dictionary(
            zip(old.routes, old.routeFingerprints).enumerated().map { ($1.0.identity, (RouteIndex($0), $1.1)) },
            uniquingKeysWith: { first, _ in first })
        var kept: [RouteIndex: RouteIndex] = [:]
        for (index, (route, fingerprint)) in zip(new.routes, new.routeFingerprints).enumerated() {
            if let before = known[route.identity], before.1 == fingerprint { kept[before.0] = RouteIndex(index) }
        }
        return kept
    }

    /// What becomes of the access rules.
    private enum AccessChange {
        case keep
        /// `nil` for a file without `http.access`.
        case replace(Access?)
    }

    /// - Throws: ``ComponentError`` for keys that cannot be used.
    private func newAccess(_ plan: BridgePlan, _ changes: PlanChanges) async throws -> AccessChange {
        guard [changes.added, changes.changed, changes.removed].contains(where: { $0.contains("access") }) else { return .keep }
        guard let settings = plan.http.access else { return .replace(nil) }
        return .replace(
            try await Access(
                settings, group: self.services.factory.group, curl: self.services.curl, refusals: self.services.refusals,
                logger: self.services.factory.makeLogger("access")))
    }
}

extension BridgePlan {
    /// The number of components for which descriptors are kept in reserve.
    var components: Int {
        // The second listener may have 100 connections.
        self.sources.count + self.sinks.count + (self.http.admin?.address == nil ? 0 : 7)
    }
}
