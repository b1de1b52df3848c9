/// Where a listener waits for connections: `host:port`, `[address]:port` or `:port`.
package struct ListenAddress: Sendable, Hashable {
    /// A name or an address, without brackets; `::` for all addresses.
    package let host: String
    /// 0 lets the system choose.
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Returns: `nil` for what is no address.
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
        "'\(text)' is no address; write host:port, such as 127.0.0.1:8080, [::]:8080 or :8080"
    }

    /// Only this machine can connect.
    package var isLoopback: Bool {
        self.host == "localhost" || self.host == "::1"
            || (self.host.hasPrefix("127.") && self.host.split(separator: ".").count == 4)
    }

    /// As a person writes it.
    package var text: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }
}
