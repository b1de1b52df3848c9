/// Addresses in the answers of sentinels and cluster nodes.
///
/// Invalid ports are rejected, because a server may answer anything.
extension RedisReply {
    /// The master that a sentinel names in the answer to `SENTINEL get-master-addr-by-name`; `nil` when it knows none.
    func master(isTLS: Bool) -> RedisSettings.Address? {
        guard let items = self.items, items.count == 2, let host = items[0].text, !host.isEmpty,
            let port = items[1].text.flatMap({ Int($0) }), (1...65_535).contains(port)
        else { return nil }
        return .tcp(host: host, port: port, isTLS: isTLS)
    }

    /// The master that serves a slot, in the answer to `CLUSTER SLOTS`; `nil` when no node does.
    ///
    /// - Parameter seed: the node that has answered; a node that does not know its own address omits it.
    func node(serving slot: Int, seenFrom seed: RedisSettings.Address) -> RedisSettings.Address? {
        guard case .tcp(let seedHost, _, let isTLS) = seed else { return nil }
        for range in self.items ?? [] {
            guard let parts = range.items, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], first <= slot, slot <= last, let node = parts[2].items, node.count >= 2,
                case .integer(let port) = node[1], (1...65_535).contains(port)
            else { continue }
            let host = node[0].text.flatMap { $0.isEmpty || $0 == "?" ? nil : $0 } ?? seedHost
            return .tcp(host: host, port: Int(port), isTLS: isTLS)
        }
        return nil
    }
}
