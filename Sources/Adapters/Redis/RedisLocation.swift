/// Where a Redis component finds its server.
enum RedisLocation: Sendable, Equatable, CustomStringConvertible {
    /// One server.
    case server(RedisSettings.Address)
    /// The master of a name, as any of these sentinels tells.
    case sentinels([RedisSettings.Address], master: String, isTLS: Bool)
    /// The node of a cluster that serves a key; these are asked which one it is.
    case cluster([RedisSettings.Address])

    var isCluster: Bool {
        if case .cluster = self { true } else { false }
    }

    var isTLS: Bool {
        switch self {
        case .server(let address): address.isTLS
        case .sentinels(_, _, let isTLS): isTLS
        case .cluster(let nodes): nodes.contains { $0.isTLS }
        }
    }

    var description: String {
        switch self {
        case .server(let address): address.description
        case .sentinels(let addresses, let master, let isTLS):
            "\(isTLS ? "rediss" : "redis")+sentinel://\(addresses.map(\.authority).joined(separator: ","))/\(master)"
        case .cluster(let addresses):
            "\(self.isTLS ? "rediss" : "redis")+cluster://\(addresses.map(\.authority).joined(separator: ","))"
        }
    }
}

extension RedisSettings.Address {
    /// Host and port.
    fileprivate var authority: String {
        switch self {
        case .tcp(let host, let port, _): "\(host):\(port)"
        case .unix(let path): path
        }
    }
}
