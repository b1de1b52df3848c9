import Access
import BridgeConfiguration
import BridgeCore
import Curl
import Expressions
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import ProcessMemory
import UnixSignals

#if canImport(Glibc)
import Glibc
#endif

/// The composition root: makes every object from the prepared file, starts them in order, ends them in the reverse order.
struct Gateway: Sendable {
    let plan: BridgePlan
    /// The path of the configuration file.
    let file: String
    /// The compiler of the plan's expressions.
    let expressions: JQCompiler

    /// Runs until SIGTERM or SIGINT; SIGHUP has the TLS certificate read again.
    ///
    /// - Returns: whether everything that was accepted has been delivered, or is in a log on disk.
    /// - Throws: ``ComponentError`` or `HTTPServerError` for what only the running machine can refuse: a port in use, a missing directory.
    func run() async throws -> Bool {
        let logger = self.logger("streambridge")
        // Registered before anything is started: an early signal must still cause an orderly shutdown.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        // A sequence ends with the task that waits for it, so the wait for the log has its own.
        let earlySignals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        _ = signal(SIGPIPE, SIG_IGN)
        let descriptors = try DescriptorLimit.raised(
            // The second listener may have 100 connections.
            components: self.plan.sources.count + self.plan.sinks.count + (self.plan.http.admin?.address == nil ? 0 : 7))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount))
        let metrics = Metrics()
        let router = HTTPRouter(observer: Self.requestObserver(self.logger("http")))
        let refusals = Self.refusals(metrics, self.logger("access"))
        let curl = CurlMulti()
        let shared = SharedServices()
        shared.add(router)
        shared.add(curl)
        shared.add(refusals)
        var access: Access?
        if let settings = self.plan.http.access {
            let made = try await Access(settings, group: group, curl: curl, refusals: refusals, logger: self.logger("access"))
            shared.add(HTTPAccessService(made))
            access = made
        }
        self.reportFaults(metrics, logger: self.logger("expressions"))
        let pages = OperationsPages(
            metrics: metrics,
            optional: Set(self.plan.sources.filter { !$0.isRequired }.map { "source \($0.name)" })
                .union(self.plan.sinks.filter { !$0.isRequired }.map { "sink \($0.name)" })
        )
        try pages.register(on: router, OperationsAccess(main: self.plan.http))
        let listeners = try self.makeListeners(router, pages, group: group, descriptors)
        let deadline = StopDeadline(self.plan.service.drain, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { services in
            defer { services.cancelAll() }
            services.addTask { try await deadline.enforce() }
            if let access { services.addTask { await access.run() } }
            guard let log = try await self.startLog(router, pages, listeners, earlySignals) else {
                await Self.shutDown(listeners, deadline: .now + .seconds(1))
                try await group.shutdownGracefully()
                logger.notice("Stopped")
                return true
            }
            let bridge = try self.makeBridge(
                log, group: group, shared: shared, metrics: metrics, taps: pages.taps, logger: logger)
            // Before a client can request it.
            try await bridge.restore()
            pages.run(bridge)
            log.waiting?.end()
            if log.waiting == nil { try await Self.start(listeners) }
            let left = await self.run(bridge, deadline, until: signals, pages, listeners, logger)
            await Self.shutDown(listeners, deadline: deadline.end)
            try await group.shutdownGracefully()
            return StopVerdict(
                undelivered: left, unwritten: bridge.unwritten, isDurable: self.plan.log.isDurable,
                writeError: bridge.logHealth?.writeError
            ).log(to: logger)
        }
    }

    /// Runs a bridge until SIGTERM or SIGINT.
    ///
    /// - Returns: see ``Bridge/run(startWithin:drain:until:)``.
    private func run(
        _ bridge: Bridge, _ deadline: StopDeadline, until signals: UnixSignalsSequence, _ pages: OperationsPages,
        _ listeners: [HTTPServer], _ logger: Logger
    ) async -> Int {
        logger.notice(
            "Started",
            metadata: [
                "version": "\(StreamBridge.version)", "sources": "\(bridge.sources.count)",
                "sinks": "\(bridge.sinks.count)", "routes": "\(self.plan.routes.count)",
            ]
        )
        // Concurrent with the sources and sinks, which start now.
        async let _ = StartupPages.unmap()
        return await bridge.run(drain: deadline.delivering) {
            for await received in signals {
                logger.notice("Signal received", metadata: ["signal": "\(received)"])
                guard received == .sighup else { break }
                // The reason is logged, and the identity stays in use.
                for listener in listeners { try? listener.reloadIdentity() }
            }
            deadline.begin()
            pages.stop()
        }
    }

    /// The log as the program starts with it.
    struct StartedLog {
        let bridge: String
        let files: FileCursorStore
        /// `nil` for a log in memory.
        let durable: DurableLog?
        /// Set when the listeners had to be started before the log could be opened.
        let waiting: WaitingPaths?
    }

    /// Opens the log; while its disk is full, the listeners run and answer that the program is not ready.
    ///
    /// - Returns: `nil` when the program had to stop meanwhile.
    private func startLog(
        _ router: HTTPRouter, _ pages: OperationsPages, _ listeners: [HTTPServer], _ signals: UnixSignalsSequence
    ) async throws -> StartedLog? {
        let name = self.plan.service.name ?? Self.name(for: self.file)
        let files = FileCursorStore(directory: self.plan.service.stateDirectory)
        let logger = self.logger("log")
        let open: @Sendable () throws -> DurableLog? = { try self.openLog(bridge: name, older: files, logger: logger) }
        do {
            return StartedLog(bridge: name, files: files, durable: try open(), waiting: nil)
        } catch let error as LogError where error.isTransient {
            logger.error("Log cannot be opened; waiting for its disk", metadata: ["error": "\(error)"])
            pages.wait(for: "\(error)")
            let waiting = try WaitingPaths(router)
            try await Self.start(listeners)
            guard let durable = try await self.untilLogOpens(open, until: signals, problem: { pages.wait(for: "\($0)") }) else {
                return nil
            }
            return StartedLog(bridge: name, files: files, durable: durable, waiting: waiting)
        }
    }

    func logger(_ label: String) -> Logger {
        let level = self.plan.service.logLevel
        let format: StandardErrorLogHandler.Format = self.plan.service.logFormat == .json ? .json : .text
        return Logger(label: label) { StandardErrorLogHandler(label: $0, level: level, format: format) }
    }
}
