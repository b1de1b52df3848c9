import Access
import BridgeConfiguration
import BridgeCore
import Curl
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import SQLiteLog
import Synchronization
import UnixSignals

#if canImport(Glibc)
import Glibc
#endif

/// The composition root: makes every object from the prepared file, starts them in order, ends them in the reverse order.
struct Gateway: Sendable {
    let plan: BridgePlan
    /// The path of the configuration file.
    let file: String

    /// Runs until SIGTERM or SIGINT; SIGHUP has the TLS certificate read again.
    ///
    /// - Returns: whether everything that was accepted has been delivered, or is in a log on disk.
    /// - Throws: ``ComponentError`` or `HTTPServerError` for what only the running machine can refuse: a port in use, a missing directory.
    func run() async throws -> Bool {
        let logger = self.logger("streambridge")
        // Registered before anything is started: a signal that comes early must still end in order.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        _ = signal(SIGPIPE, SIG_IGN)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount))
        let router = HTTPRouter()
        let curl = CurlMulti()
        let shared = SharedServices()
        shared.add(router)
        shared.add(curl)
        if let settings = self.plan.http.access {
            shared.add(
                HTTPAccessService(try await Access(settings, group: group, curl: curl, logger: self.logger("access"))))
        }
        let metrics = Metrics()
        let bridge = try self.makeBridge(group: group, shared: shared, metrics: metrics, logger: logger)
        // Before anybody can ask for it.
        try await bridge.restore()
        let pages = OperationsPages(
            bridge: bridge, metrics: metrics,
            optional: Set(self.plan.sources.filter { !$0.isRequired }.map { "source \($0.name)" })
                .union(self.plan.sinks.filter { !$0.isRequired }.map { "sink \($0.name)" })
        )
        try pages.register(on: router)

        let server = try await self.startServer(router: router, group: group)
        logger.notice(
            "Started",
            metadata: [
                "version": "\(StreamBridge.version)", "sources": "\(bridge.sources.count)",
                "sinks": "\(bridge.sinks.count)", "routes": "\(self.plan.routes.count)",
            ]
        )
        let left = await bridge.run(drain: self.plan.service.drain) {
            for await received in signals {
                logger.notice("Signal received", metadata: ["signal": "\(received)"])
                guard received == .sighup else { break }
                // What went wrong is in the log, and the identity stays as it was.
                try? server.reloadIdentity()
            }
            pages.isStopping.store(true, ordering: .relaxed)
        }
        await server.shutdown(deadline: .now + .seconds(2))
        try await group.shutdownGracefully()
        if let error = bridge.logHealth?.writeError {
            logger.error(
                "Stopped; the log has not taken everything",
                metadata: ["undelivered": "\(left)", "unwritten": "\(bridge.unwritten)", "error": "\(error)"]
            )
            return false
        }
        if left > 0, self.plan.log.isDurable {
            logger.notice("Stopped; the log keeps what is undelivered", metadata: ["undelivered": "\(left)"])
            return true
        }
        if left > 0 {
            logger.error("Stopped with undelivered events", metadata: ["undelivered": "\(left)"])
        } else {
            logger.notice("Stopped")
        }
        return left == 0
    }

    private func startServer(router: HTTPRouter, group: any EventLoopGroup) async throws -> HTTPServer {
        let settings = self.plan.http
        let configuration = HTTPServerConfiguration(
            address: .tcp(host: settings.host, port: settings.port),
            tls: settings.certificateFile.flatMap { certificates in
                settings.keyFile.map { HTTPServerConfiguration.TLS(certificates: certificates, key: $0) }
            },
            connections: settings.maximumConnections
        )
        let server = HTTPServer(configuration: configuration, router: router, group: group, logger: self.logger("http"))
        _ = try await server.start()
        return server
    }

    private func makeBridge(
        group: any EventLoopGroup, shared: SharedServices, metrics: Metrics, logger: Logger
    ) throws -> Bridge {
        let name = self.plan.service.name ?? Self.name(for: self.file)
        let files = FileCursorStore(directory: self.plan.service.stateDirectory)
        let durable = try self.openLog(bridge: name, older: files, logger: self.logger("log"))
        self.warnOfLeftLog(self.logger("log"))
        let cursors: any CursorStore = durable?.cursors ?? files
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
            unrouted: self.plan.unroutedSink, limits: limits, durable: durable, metrics: metrics, logger: logger
        )
    }

    /// - Parameter older: has the cursors of a time when there was no log on disk.
    private func openLog(bridge: String, older: any CursorStore, logger: Logger) throws -> DurableLog? {
        guard case .disk(let settings) = self.plan.log else { return nil }
        let (log, contents) = try SQLiteLog.open(settings, bridge: bridge, sinks: self.plan.sinks.map(\.name))
        let owed = contents.sinks.values.reduce(0) { $0 + $1.count }
        logger.notice(
            "Log opened",
            metadata: ["path": "\(settings.path)", "durability": "\(settings.durability)", "undelivered": "\(owed)"]
        )
        for (sink, count) in contents.orphans.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "Log holds events for a sink that the file no longer has; they go when they are too old, and keep what came after them till then",
                metadata: ["sink": "\(sink)", "events": "\(count)"]
            )
        }
        return try DurableLog(store: log, contents: contents, older: older)
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

    private func logger(_ label: String) -> Logger {
        let level = self.plan.service.logLevel
        let format: StandardErrorLogHandler.Format = self.plan.service.logFormat == .json ? .json : .text
        return Logger(label: label) { StandardErrorLogHandler(label: $0, level: level, format: format) }
    }
}
