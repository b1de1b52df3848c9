/// The address of a listener: `host:port`, `[address]:port` or `:port`.
package struct ListenAddress: Sendable, Hashable {
    /// A name or an address without brackets; `::` for all addresses.
    package let host: String
    /// The port, 0 to 65 535; 0 lets the system choose.
    package let port: Int

    /// Makes an address from its parts.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses an address; `nil` when the text is malformed.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(host: host.isEmpty ? "::" : String(host), port: port)
    }

    static func mistake(_ text: String) -> String {
        let port = text.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        if port.count < text.count, !port.isEmpty, port.allSatisfy({ $0.isASCII && $0.isNumber }),
            Int(port).map({ $0 > 65_535 }) ?? true
        {
            return "'\(port)' is not a port; a port is 0 to 65535"
        }
        return "'\(text)' is not an address; write host:port, such as 127.0.0.1:8080, [::]:8080 or :8080"
    }

    /// Whether only this machine can connect: `localhost`, `::1` or 127.0.0.0/8.
    package var isLoopback: Bool {
        self.host == "localhost" || self.host == "::1"
            || (self.host.hasPrefix("127.") && self.host.split(separator: ".").count == 4)
    }

    /// The address as a user writes it, with brackets around IPv6.
    package var text: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }
}
