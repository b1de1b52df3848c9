extension RedisURL {
    /// `redis+sentinel://host[:26379],…/master[/database]` or `redis+cluster://host[:6379],…`, both with `rediss` too.
    static func located(_ text: String) -> RedisURL? {
        guard let (isTLS, isCluster, tail) = Self.kind(of: text) else { return nil }
        var rest = tail
        var login = ""
        if let at = rest.lastIndex(of: "@") {
            login = String(rest[...at])
            rest = rest[rest.index(after: at)...]
        }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        let path = parts.dropFirst().filter { !$0.isEmpty }
        let scheme = isTLS ? "rediss" : "redis"
        let hosts = parts[0].split(separator: ",", omittingEmptySubsequences: false)
        let urls = hosts.compactMap { host -> RedisURL? in
            let hasPort = host.lastIndex(of: ":").map { !host.hasSuffix("]") && $0 > host.startIndex } ?? false
            let authority = hasPort || isCluster ? String(host) : "\(host):26379"
            // The settings for sentinels do not apply to the master.
            return RedisURL("\(isCluster ? scheme : "redis")://\(login)\(authority)")
        }
        guard urls.count == hosts.count, var url = urls.first else { return nil }
        let addresses = urls.compactMap { if case .server(let address) = $0.location { address } else { nil } }
        if isCluster {
            guard path.isEmpty || path.elementsEqual(["0"]) else { return nil }
            url.location = .cluster(addresses)
        } else {
            guard (1...2).contains(path.count), let master = path.first else { return nil }
            if path.count == 2 {
                guard let database = Int(path[1]), (0...1_000_000).contains(database) else { return nil }
                url.database = database
            }
            url.location = .sentinels(addresses, master: String(master), isTLS: isTLS)
        }
        return url
    }

    private static func kind(of text: String) -> (isTLS: Bool, isCluster: Bool, rest: Substring)? {
        for (scheme, isTLS, isCluster) in [
            ("redis+sentinel://", false, false), ("rediss+sentinel://", true, false), ("redis+cluster://", false, true),
            ("rediss+cluster://", true, true),
        ] where text.hasPrefix(scheme) {
            return (isTLS, isCluster, text.dropFirst(scheme.count))
        }
        return nil
    }
}
