import BridgeCore

extension RedisURL {
    /// Describes the mistake in a text that is not a Redis URL, as half a sentence; never repeats a password.
    static func mistake(in text: String) -> String {
        guard !text.hasCombinedDelimiter else {
            return "not a Redis URL: a combining mark follows a ':', '/' or '@'; write it percent-encoded"
        }
        guard let scheme = text.firstRange(of: "://") else { return "not a Redis URL" }
        let name = text[..<scheme.lowerBound]
        guard ["redis", "rediss"].contains(name) else { return "not a Redis URL" }
        var rest = text[scheme.upperBound...]
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty, Int(parts[1]) == nil { return "'\(parts[1])' is not the number of a database" }
        guard let host = parts.first, let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return "not a Redis URL" }
        let port = host[host.index(after: colon)...]
        let isPort = Int(port).map { (1...65_535).contains($0) } ?? false
        return isPort ? "not a Redis URL" : "'\(port)' is not a port, 1 to 65535"
    }
}
