import BridgeConfiguration
import HTTPServer
import Logging
import NIOCore

/// The listeners of the program.
extension Gateway {
    /// The listener for streams and webhooks, and the one of `http.admin.listen`.
    func makeListeners(
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

    /// The limit of HTTP connections; logs it, and warns if the file has a higher one.
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

    static func start(_ listeners: [HTTPServer]) async throws {
        for listener in listeners { _ = try await listener.start() }
    }

    static func shutDown(_ listeners: [HTTPServer], deadline: ContinuousClock.Instant) async {
        for listener in listeners { await listener.shutdown(deadline: deadline) }
    }
}
