import Access
import BridgeConfiguration
import BridgeCore
import Curl
import Expressions
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import PollThread
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
    /// When the program began to read the file.
    let loaded: Timestamp
    /// Whether a changed file is loaded at once.
    let watchesFile: Bool

    /// Runs until SIGTERM or SIGINT; SIGHUP has the file read again.
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
            components: self.plan.components)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount))
        let metrics = Metrics()
        let router = HTTPRouter(observer: Self.requestObserver(self.logger("http")))
        let refusals = Self.refusals(metrics, self.logger("access"))
        let curl = CurlMulti()
        let shared = SharedServices()
        shared.add(router)
        shared.add(curl)
        shared.add(refusals)
        var rules: Access?
        if let settings = self.plan.http.access {
            rules = try await Access(settings, group: group, curl: curl, refusals: refusals, logger: self.logger("access"))
        }
        let access = ReloadableAccess(rules, group: group)
        shared.add(HTTPAccessService(access))
        self.reportFaults(metrics, logger: self.logger("expressions"))
        let pages = OperationsPages(metrics: metrics, plan: self.plan)
        try pages.register(on: router)
        let listeners = try self.makeListeners(router, pages, group: group, descriptors)
        let deadline = StopDeadline(self.plan.service.drain, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { services in
            defer { services.cancelAll() }
            services.addTask { try await deadline.enforce() }
            services.addTask { await access.run() }
            guard let log = try await self.startLog(router, pages, listeners, earlySignals) else {
                await listeners.shutDown(deadline: .now + .seconds(1))
                try await group.shutdownGracefully()
                logger.notice("Stopped")
                return true
            }
            let factory = ComponentFactory(log: log, group: group, metrics: metrics, makeLogger: { self.logger($0) })
            let control = Self.makeControl(self.plan)
            shared.add(control)
            let bridge = try self.makeBridge(factory, control, shared: shared, taps: pages.taps, logger: logger)
            // Before a client can request it.
            try await bridge.restore()
            let queue = ReloadQueue()
            let watch = self.watchesFile ? try self.watch(queue) : nil
            defer { watch?.stop() }
            let reloader = Reloader(
                self,
                Reloader.Services(
                    factory: factory, shared: shared, router: router, refusals: refusals, curl: curl, access: access,
                    pages: pages, listeners: listeners),
                bridge, control, watches: { watch?.follow($0.union([self.file]), readSince: $1.milliseconds) })
            pages.run(bridge) { responder in
                guard !queue.ask(answer: { responder.respond($0.response(about: self.file)) }) else { return }
                responder.respond(.error(.conflict, "A reload is running; try again later", headers: [("Retry-After", "1")]))
            }
            log.waiting?.end()
            if log.waiting == nil { try await listeners.start() }
            let left = await self.run(bridge, deadline, until: signals, pages, queue, reloader, logger)
            await listeners.shutDown(deadline: deadline.end)
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
        _ queue: ReloadQueue, _ reloader: Reloader, _ logger: Logger
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
            // A reload that runs when the signal arrives is completed first, and soon.
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await queue.run { await reloader.reload($0) } }
                for await received in signals {
                    logger.notice("Signal received", metadata: ["signal": "\(received)"])
                    guard received == .sighup else { break }
                    queue.ask(.signal)
                }
                deadline.begin()
                pages.stop()
                bridge.hurryReloads()
                queue.finish()
            }
        }
    }

    /// Starts to watch the file for changes.
    ///
    /// - Throws: ``ComponentError`` when the system cannot.
    private func watch(_ queue: ReloadQueue) throws -> PathWatch {
        let logger = self.logger("configuration")
        do {
            return try PathWatch([self.file], readSince: self.loaded.milliseconds) {
                queue.ask(.file)
            } unwatched: { directory in
                logger.warning(
                    "Directory cannot be watched; send SIGHUP after a change, or raise fs.inotify.max_user_watches",
                    metadata: ["directory": "\(directory)"])
            }
        } catch {
            throw ComponentError(
                .inputOutput, "the file cannot be watched; raise fs.inotify.max_user_instances, or run without --watch",
                isRetryable: false, cause: error)
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
        _ router: HTTPRouter, _ pages: OperationsPages, _ listeners: Listeners, _ signals: UnixSignalsSequence
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
            try await listeners.start()
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
