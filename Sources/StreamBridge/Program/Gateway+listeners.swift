import BridgeConfiguration
import HTTPServer
import Logging
import NIOCore

/// The listeners of the program.
extension Gateway {
    func makeListeners(
        _ router: HTTPRouter, _ pages: OperationsPages, group: any EventLoopGroup, _ descriptors: DescriptorLimit
    ) throws -> Listeners {
        try Listeners(
            self.plan.http, router, pages, group: group, connections: self.connectionLimit(descriptors),
            spareConnections: descriptors.spare, logger: { self.logger($0) })
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
}
