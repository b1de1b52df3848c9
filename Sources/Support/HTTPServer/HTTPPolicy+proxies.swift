import NIOCore
import NIOHTTP1

/// Finds the client's address behind proxies.
extension HTTPPolicy {
    /// The client's address: the last one in the list of hops that is not a trusted proxy.
    ///
    /// A proxy appends the address of its own peer, so only entries of trusted proxies are believed. Where `Forwarded`
    /// (RFC 7239 §4) and `X-Forwarded-For` contradict each other, one of them came from the client, and neither is
    /// believed.
    ///
    /// - Parameter peer: the other end of the connection.
    func client(_ headers: HTTPHeaders, peer: SocketAddress?) -> SocketAddress? {
        guard !self.trustedProxies.isEmpty, let peer, self.trusts(peer) else { return peer }
        let standard = Self.forwarded(headers["Forwarded"])
        let common = headers["X-Forwarded-For"].flatMap { Self.split($0, UInt8(ascii: ","), minding: false) }
        let clients = [standard, common].filter { !$0.isEmpty }.map { self.client(behind: peer, $0) }
        guard let client = clients.first, clients.allSatisfy({ $0.ipAddress == client.ipAddress }) else { return peer }
        return client
    }

    private func trusts(_ address: SocketAddress) -> Bool {
        self.trustedProxies.contains { $0.contains(address) }
    }

    private func client(behind peer: SocketAddress, _ hops: [String]) -> SocketAddress {
        var client = peer
        for hop in hops.reversed() {
            guard self.trusts(client), let next = Self.address(ofHop: hop) else { break }
            client = next
        }
        return client
    }

    /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`; `nil` for obfuscated names.
    private static func address(ofHop hop: String) -> SocketAddress? {
        var text = hop.withoutOuterSpace[...]
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            text = text[text.index(after: text.startIndex)..<end]
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1, let colon = text.firstIndex(of: ":") {
            text = text[..<colon]
        }
        return try? SocketAddress(ipAddress: String(text), port: 0)
    }

    /// The values of `for` in order, without quotes; an unreadable one is an unknown hop.
    private static func forwarded(_ fields: [String]) -> [String] {
        fields.flatMap { field in
            // An unclosed quote from the client must not include what the proxy appends.
            let isBalanced = field.utf8.count { $0 == UInt8(ascii: "\"") }.isMultiple(of: 2)
            return Self.split(field, UInt8(ascii: ","), minding: isBalanced).map { element in
                for pair in Self.split(element, UInt8(ascii: ";"), minding: true) {
                    let parts = pair.withoutOuterSpace.split(separator: "=", maxSplits: 1)
                    guard parts.count == 2, parts[0].lowercased() == "for" else { continue }
                    return parts[1].hasPrefix("\"") && parts[1].hasSuffix("\"")
                        ? String(parts[1].dropFirst().dropLast()) : String(parts[1])
                }
                return "unknown"
            }
        }
    }

    /// Splits a text at separators, by bytes: combining characters must not join hops.
    ///
    /// - Parameter quotes: whether to ignore separators within quotes.
    private static func split(_ text: String, _ separator: UInt8, minding quotes: Bool) -> [String] {
        var isQuoted = false
        return text.utf8.split {
            if quotes, $0 == UInt8(ascii: "\"") { isQuoted.toggle() }
            return $0 == separator && !isQuoted
        }.map { String(Substring($0)) }
    }
}
