import BridgeConfiguration
import HTTPServer
import NIOCore

extension HTTPPolicy {
    /// Combines the settings of the file with the defaults.
    ///
    /// - Parameter address: of the listener.
    init(_ settings: HTTPSettings, for address: ListenAddress) {
        let hosts: Hosts
        if address.isLoopback {
            hosts = .loopback(and: settings.allowedHosts ?? [])
        } else {
            hosts = settings.allowedHosts.map(Hosts.listed) ?? .any
        }
        self.init(
            hosts: hosts, publishOrigins: settings.publishOrigins,
            trustedProxies: settings.trustedProxies.map { HTTPNetwork(address: $0.address, prefix: $0.prefix) }
        )
    }
}
