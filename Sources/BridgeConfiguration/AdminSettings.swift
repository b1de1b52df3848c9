package import BridgeCore

/// `http.admin`: authorises readers of metrics and of the details of readiness.
package struct AdminSettings: SettingGroup {
    /// A second listener for operations only; `nil` serves them on the listener of the streams.
    package private(set) var address: ListenAddress?
    /// The bearer token that a request must carry (RFC 6750); `nil` requires none.
    package private(set) var token: Secret?

    /// The keys of `http.admin`.
    package static let settings = Settings<Self> {
        Setting("listen", \.address, .listenAddress, default: "http.listen", "Address of a listener for operations only").example(
            "'127.0.0.1:9090'")
        Setting(
            "token", \.token,
            .secret.checked { $0.value.isEmpty ? "the token is empty; write one or leave the key out" : nil },
            "Bearer token that a client must send"
        ).protecting()
    }

    /// Makes empty settings, which are not valid.
    package init() {}

    /// Validates that there is a setting.
    ///
    /// - Throws: ``SettingError`` when there is none.
    package func validate() throws {
        guard self.address != nil || self.token != nil else { throw SettingError("is empty; set listen, token or both") }
    }
}
