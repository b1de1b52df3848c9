/// A redirect by a cluster node: `MOVED 3999 host:port` or `ASK 3999 host:port` (Redis cluster specification).
///
/// The command was not executed.
struct RedisRedirect: Equatable, Sendable {
    let address: RedisSettings.Address
    /// `ASK`: the slot is moving, and only this command goes there after an `ASKING`.
    let isAsking: Bool

    /// `nil` for every other answer.
    ///
    /// - Parameter origin: the node that sent the redirect; an address without a host has the same host.
    init?(_ reply: RedisReply, from origin: RedisSettings.Address) {
        guard case .error(let text) = reply, text.hasPrefix("MOVED ") || text.hasPrefix("ASK "),
            case .tcp(let host, _, let isTLS) = origin
        else { return nil }
        let words = text.split(separator: " ")
        // An IPv6 address contains colons and has no brackets.
        guard words.count == 3, let colon = words[2].lastIndex(of: ":"),
            let port = Int(words[2][words[2].index(after: colon)...]), (1...65_535).contains(port)
        else { return nil }
        let named = words[2][..<colon]
        self.address = .tcp(host: named.isEmpty || named == "?" ? host : String(named), port: port, isTLS: isTLS)
        self.isAsking = words[0] == "ASK"
    }
}
