import Access
import BridgeConfiguration
import BridgeCore
import Curl
import Expressions
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import UnixSignals

#if canImport(Glibc)
import Glibc
#endif

/// The composition root: makes every object from the prepared file, starts them in order, ends them in the reverse order.
struct Gateway: Sendable {
    let plan: BridgePlan
    /// The path of the configuration file.
    let file: String
    /// What compiled the expressions of the plan.
    let expressions: JQCompiler

    /// Runs until SIGTERM or SIGINT; SIGHUP has the TLS certificate read again.
    ///
    /// - Returns: whether everything that was accepted has been delivered, or is in a log on disk.
    /// - Throws: ``ComponentError`` or `HTTPServerError` for what only the running machine can refuse: a port in use, a missing directory.
    func run() async throws -> Bool {
        let logger = self.logger("streambridge")
        // Registered before anything is started: a signal that comes early must still end in order.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        // A sequence ends with the task that waits for it, so the wait for the log has one of its own.
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
        if let settings = self.plan.http.access {
            shared.add(
                HTTPAccessService(
                    try await Access(settings, group: group, curl: curl, refusals: refusals, logger: self.logger("access"))))
        }
        self.reportFaults(metrics, logger: self.logger("expressions"))
        let pages = OperationsPages(
            metrics: metrics,
            optional: Set(self.plan.sources.filter { !$0.isRequired }.map { "source \($0.name)" })
                .union(self.plan.sinks.filter { !$0.isRequired }.map { "sink \($0.name)" })
        )
        try pages.register(on: router, OperationsAccess(main: self.plan.http))
        let listeners = try self.makeListeners(router, pages, group: group, descriptors)
        guard let log = try await self.startLog(router, pages, listeners, earlySignals) else {
            await Self.shutDown(listeners, deadline: .now + .seconds(1))
            try await group.shutdownGracefully()
            logger.notice("Stopped")
            return true
        }
        let bridge = try self.makeBridge(log, group: group, shared: shared, metrics: metrics, logger: logger)
        // Before anybody can ask for it.
        try await bridge.restore()
        pages.run(bridge)
        log.waiting?.end()
        if log.waiting == nil { try await Self.start(listeners) }
        logger.notice(
            "Started",
            metadata: [
                "version": "\(StreamBridge.version)", "sources": "\(bridge.sources.count)",
                "sinks": "\(bridge.sinks.count)", "routes": "\(self.plan.routes.count)",
            ]
        )
        let drain = StopDeadline(self.plan.service.drain, logger: logger)
        let left = await bridge.run(drain: drain.delivering) {
            for await received in signals {
                logger.notice("Signal received", metadata: ["signal": "\(received)"])
                guard received == .sighup else { break }
                // What went wrong is in the log, and the identity stays as it was.
                for listener in listeners { try? listener.reloadIdentity() }
            }
            drain.begin()
            pages.stop()
        }
        await Self.shutDown(listeners, deadline: drain.end)
        try await group.shutdownGracefully()
        return StopVerdict(
            undelivered: left, unwritten: bridge.unwritten, isDurable: self.plan.log.isDurable,
            writeError: bridge.logHealth?.writeError
        ).log(to: logger)
    }

    /// The log as the program starts with it.
    private struct StartedLog {
        let bridge: String
        let files: FileCursorStore
        /// `nil` for a log in memory.
        let durable: DurableLog?
        /// Set when the listeners had to be started before the log could be opened.
        let waiting: WaitingPaths?
    }

    /// Opens the log; while its disk is full, the listeners run and answer that the program is not ready.
    ///
    /// - Returns: `nil` when the program was told to end meanwhile.
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

    // MARK: Listeners

    /// The listener for streams and webhooks, and the one of `http.admin.listen`.
    private func makeListeners(
        _ router: HTTPRouter, _ pages: OperationsPages, group: any EventLoopGroup, _ descriptors: DescriptorLimit
    ) throws -> [HTTPServer] {
        let settings = self.plan.http
        let tls = settings.certificateFile.flatMap { certificates in
            settings.keyFile.map { HTTPServerConfiguration.TLS(certificates: certificates, key: $0) }
        }
        let main = HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: settings.host, port: settings.port), tls: tls,
                connections: self.connectionLimit(descriptors), spareConnections: descriptors.spare,
                bufferedBytes: settings.limits.buffered, connectionBytes: settings.limits.bufferedPerConnection,
                streams: settings.limits.streamsPerConnection,
                policy: HTTPPolicy(settings, for: ListenAddress(host: settings.host, port: settings.port))),
            router: router, group: group, logger: self.logger("http")
        )
        guard let admin = settings.admin, let address = admin.address else { return [main] }
        let adminRouter = HTTPRouter()
        try pages.register(on: adminRouter, OperationsAccess(admin: admin))
        let second = HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: address.host, port: address.port), tls: address.isLoopback ? nil : tls, connections: 100,
                policy: HTTPPolicy(settings, for: address)),
            router: adminRouter, group: group, logger: self.logger("admin")
        )
        return [main, second]
    }

    /// How many HTTP connections there may be at once; told, and complained about where the file wants more.
    private func connectionLimit(_ descriptors: DescriptorLimit) -> Int {
        let wanted = self.plan.http.maximumConnections
        let connections = min(wanted ?? descriptors.connections, descriptors.connections)
        let figures: Logger.Metadata = [
            "max_connections": "\(connections)", "open_files": "\(descriptors.limit)", "reserve": "\(descriptors.reserve)",
        ]
        let logger = self.logger("http")
        logger.notice("HTTP connection limit set", metadata: figures)
        if let wanted, wanted > connections {
            logger.warning(
                "http.max_connections exceeds what the limit of open files allows; raise LimitNOFILE or ulimit -n",
                metadata: figures.merging(["configured": "\(wanted)"]) { $1 }
            )
        }
        return connections
    }

    private static func start(_ listeners: [HTTPServer]) async throws {
        for listener in listeners { _ = try await listener.start() }
    }

    private static func shutDown(_ listeners: [HTTPServer], deadline: ContinuousClock.Instant) async {
        for listener in listeners { await listener.shutdown(deadline: deadline) }
    }

    private func makeBridge(
        _ log: StartedLog, group: any EventLoopGroup, shared: SharedServices, metrics: Metrics, logger: Logger
    ) throws -> Bridge {
        let name = log.bridge
        let durable = log.durable
        self.warnOfLeftLog(self.logger("log"))
        let cursors: any CursorStore = durable?.cursors ?? log.files
        func context(_ component: String, _ metrics: ComponentMetrics) -> ComponentContext {
            ComponentContext(
                name: component, logger: self.logger(component), eventLoopGroup: group, bridge: name, cursors: cursors,
                metrics: metrics, shared: shared, isDurable: durable != nil
            )
        }
        let sinks = try self.plan.sinks.map { sink in
            let figures = ComponentMetrics(
                component: sink.name, kind: sink.registration.kind, direction: "sink", metrics: metrics)
            return SinkParts(
                name: sink.name, sink: try sink.registration.make(sink.variants, context(sink.name, figures)),
                delivery: sink.delivery, metrics: figures, logger: self.logger(sink.name)
            )
        }
        let sources = try self.plan.sources.map { source in
            let figures = ComponentMetrics(
                component: source.name, kind: source.registration.kind, direction: "source", metrics: metrics)
            return SourceParts(
                name: source.name, source: try source.registration.make(source.settings, context(source.name, figures)),
                acknowledge: source.acknowledge,
                intake: IntakeSettings(
                    normalise: source.normalise, bridge: name, maximumHops: self.plan.service.maximumHops,
                    emitsGaps: source.emitsGaps
                ),
                retry: source.retry, metrics: figures, logger: self.logger(source.name)
            )
        }
        var limits = LogLimits(bytes: .max)
        if case .memory(let bounds) = self.plan.log { limits = bounds }
        return Bridge(
            sources: sources, sinks: sinks, table: RouteTable(routes: self.plan.routes, limits: self.plan.limits),
            unrouted: self.plan.unroutedSink, limits: limits, durable: durable,
            probe: Self.portProbe(group), metrics: metrics, logger: logger
        )
    }

    /// A name for files that give none: the same after a restart, because MQTT sessions and consumer groups go by it, and another on
    /// every machine and for every file.
    private static func name(for file: String) -> String {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let path = realpath(file, nil)
        defer { free(path) }
        let place = path.map { String(cString: $0) } ?? file
        let bytes = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } + Array(place.utf8)
        // FNV-1a, 32 bits.
        let hash = bytes.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return "streambridge-" + String(hash, radix: 16)
    }

    func logger(_ label: String) -> Logger {
        let level = self.plan.service.logLevel
        let format: StandardErrorLogHandler.Format = self.plan.service.logFormat == .json ? .json : .text
        return Logger(label: label) { StandardErrorLogHandler(label: $0, level: level, format: format) }
    }
}
