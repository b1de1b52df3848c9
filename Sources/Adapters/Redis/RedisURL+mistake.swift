import BridgeCore

extension RedisURL {
    /// What is wrong with a text that is no Redis address, as half a sentence; never repeats a password.
    static func mistake(in text: String) -> String {
        guard !text.hasCombinedDelimiter else {
            return "no Redis address: a combining mark follows a ':', '/' or '@'; write it percent-encoded"
        }
        guard let scheme = text.firstRange(of: "://") else { return "no Redis address" }
        let name = text[..<scheme.lowerBound]
        guard ["redis", "rediss"].contains(name) else { return "no Redis address" }
        var rest = text[scheme.upperBound...]
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty, Int(parts[1]) == nil { return "'\(parts[1])' is not the number of a database" }
        guard let host = parts.first, let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return "no Redis address" }
        let port = host[host.index(after: colon)...]
        let isPort = Int(port).map { (1...65_535).contains($0) } ?? false
        return isPort ? "no Redis address" : "'\(port)' is not a port, 1 to 65535"
    }
}
