import BridgeConfiguration

extension HTTPSettings {
    /// Where `http.listen` is reached from this machine, without a slash at the end.
    var url: String { Self.url(of: self.address, isSecure: self.certificateFile != nil) }

    /// Where metrics and details are reached from this machine: at `http.admin.listen`, else at `http.listen`.
    var adminURL: String {
        guard let address = self.admin?.address else { return self.url }
        // On loopback it has no TLS.
        return Self.url(of: address, isSecure: self.certificateFile != nil && !address.isLoopback)
    }

    private static func url(of address: ListenAddress, isSecure: Bool) -> String {
        let host = ["::", "0.0.0.0"].contains(address.host) ? "localhost" : address.host
        return "\(isSecure ? "https" : "http")://\(ListenAddress(host: host, port: address.port).text)"
    }
}
