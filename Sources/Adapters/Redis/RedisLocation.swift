import BridgeCore

/// How a Redis component finds its server.
enum RedisLocation: Sendable, Equatable, CustomStringConvertible {
    /// One server.
    case server(RedisSettings.Address)
    /// The master with a name, as reported by any of these sentinels.
    case sentinels([RedisSettings.Address], master: String, isTLS: Bool)
    /// The node of a cluster that serves a key, as reported by any of these nodes.
    case cluster([RedisSettings.Address])

    var isCluster: Bool {
        if case .cluster = self { true } else { false }
    }

    var hasSentinels: Bool {
        if case .sentinels = self { true } else { false }
    }

    /// The same, with TLS to the sentinels.
    var askedOverTLS: RedisLocation {
        guard case .sentinels(let addresses, let master, let isTLS) = self else { return self }
        return .sentinels(addresses.map(\.overTLS), master: master, isTLS: isTLS)
    }

    /// Whether the data server uses TLS.
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

extension RedisLocation {
    /// Equal for two locations of one server, as far as their spelling shows, with TLS or without it.
    var identity: String {
        switch self {
        case .server(let address): WrittenPlace.spelling(of: address.authority)
        case .sentinels(let addresses, let master, _):
            "sentinel \(addresses.map { $0.authority.lowercased() }.sorted().joined(separator: ","))/\(master)"
        case .cluster(let addresses):
            "cluster \(addresses.map { $0.authority.lowercased() }.sorted().joined(separator: ","))"
        }
    }
}

extension RedisSettings.Address {
    fileprivate var overTLS: RedisSettings.Address {
        switch self {
        case .tcp(let host, let port, _): .tcp(host: host, port: port, isTLS: true)
        case .unix: self
        }
    }

    /// Host and port.
    fileprivate var authority: String {
        switch self {
        case .tcp(let host, let port, _): "\(host):\(port)"
        case .unix(let path): path
        }
    }
}
