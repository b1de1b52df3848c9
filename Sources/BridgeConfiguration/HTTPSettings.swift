package import BridgeCore

/// `http`: the listener for streams, webhooks and operations.
package struct HTTPSettings: SettingGroup {
    private var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    private var tls: HTTPCertificate?
    /// The limit on connections, streams included; `nil` derives it from the limit of open files, up to 100 000.
    package var maximumConnections: Int?
    /// Authorises readers of streams and writers of webhooks; `nil` leaves that to the tokens of each component.
    package var access: AccessSettings?
    /// Authorises readers of metrics and readiness details; `nil` allows clients of this machine only.
    package var admin: AdminSettings?
    /// The limits on memory and streams.
    package var limits = HTTPLimits()
    /// The accepted values of `Host`, in lower case: names, addresses, `*.` and a name, or `*`.
    ///
    /// `nil` accepts the names and addresses of this machine when ``host`` is loopback, else every value.
    package var allowedHosts: [String]?
    /// Origins whose pages may publish, in lower case; `*` for every origin.
    package var publishOrigins: [String] = []
    /// Proxies whose information about a client's address is trusted.
    package var trustedProxies: [AddressRange] = []
    /// A hash of ``access``; 0 without it.
    package internal(set) var accessFingerprint: UInt64 = 0

    /// The keys of `http`.
    package static let settings = Settings<Self> {
        Setting("listen", \.listen, .listenAddress, "Address to listen on")
        Setting("tls", \.tls, .group, "Certificate of a TLS listener")
        Setting(
            "max_connections", \.maximumConnections, .integer(in: 1...10_000_000),
            default: "from the limit of open files, up to 100000", "Connections at once, streams included")
        Setting("access", \.access, .group, default: "the tokens of sources and sinks", "Who may read streams and publish")
            .protecting()
        Setting("admin", \.admin, .group, default: "clients of this machine", "Who may read metrics and details of readiness")
            .protecting()
        Setting("limits", \.limits, .group, "Memory limits for clients")
        Setting(
            "allowed_hosts", \.allowedHosts, .list(of: .host), default: "those of this machine on loopback, else any",
            "Values of Host that are accepted")
        Setting("publish_origins", \.publishOrigins, .list(of: .origin), "Origins whose pages may publish")
        Setting("trusted_proxies", \.trustedProxies, .list(of: .network), "Proxies that are trusted to name their clients")
    }

    /// Makes settings of a file without the key.
    package init() {}

    /// The host to listen on, `::` for all addresses.
    package var host: String { self.listen.host }
    /// The port; 0 lets the system choose.
    package var port: Int { self.listen.port }
    /// The PEM file of the certificate with its chain; `nil` serves without TLS.
    package var certificateFile: String? { self.tls?.certificateFile }
    /// The PEM file of the certificate's private key.
    package var keyFile: String? { self.tls?.keyFile }

    /// Validates the listeners together.
    ///
    /// - Throws: ``SettingError`` for two that use one port.
    package func validate() throws {
        if let address = self.admin?.address, address.port != 0, address.port == self.port {
            throw SettingError(at: "admin", because: "listen uses the port of http.listen; choose another port")
        }
    }

    private struct HTTPCertificate: SettingGroup {
        var certificateFile = ""
        var keyFile = ""

        static let settings = Settings<Self> {
            Setting(required: "cert_file", \.certificateFile, .path, "Certificate with its chain, in PEM").example(
                "/etc/ssl/bridge.pem")
            Setting(required: "key_file", \.keyFile, .path, "Private key of the certificate, in PEM").example(
                "/etc/ssl/bridge.key")
        }
    }
}

/// `http.limits`: limits on the memory that clients occupy.
package struct HTTPLimits: SettingGroup, Equatable {
    /// The bytes of request bodies and unsent answers in memory, over all connections.
    package var buffered = 32 << 20
    private var givenPerConnection: Int?
    /// The limit on concurrent streams of one HTTP/2 connection (RFC 9113 §5.1.2).
    package var streamsPerConnection = 200

    /// The keys of `http.limits`.
    package static let settings = Settings<Self> {
        Setting(
            "buffered", \.buffered,
            .bytes(in: 0...).within(1 << 20 ... .max) { _ in "must be 1MiB or more, to leave room for requests" },
            "Memory for request bodies and unsent answers of all connections")
        Setting(
            "buffered_per_connection", \.givenPerConnection, .bytes(in: 0...), default: "8MiB, or buffered where that is less",
            "The same for one HTTP/2 connection, 64KiB to buffered")
        Setting(
            "streams_per_connection", \.streamsPerConnection, .integer(in: 100...250), "Streams at once of one HTTP/2 connection")
    }

    /// Makes limits of a file without the key.
    package init() {}

    /// Makes limits from their parts.
    package init(buffered: Int, bufferedPerConnection: Int, streamsPerConnection: Int) {
        self.buffered = buffered
        self.givenPerConnection = bufferedPerConnection
        self.streamsPerConnection = streamsPerConnection
    }

    /// The bytes in memory for one HTTP/2 connection, at most ``buffered``.
    package var bufferedPerConnection: Int { self.givenPerConnection ?? min(8 << 20, self.buffered) }

    /// Whether the limits are equal, regardless of their origin.
    package static func == (one: Self, other: Self) -> Bool {
        one.buffered == other.buffered && one.bufferedPerConnection == other.bufferedPerConnection
            && one.streamsPerConnection == other.streamsPerConnection
    }

    /// Validates the limits together.
    ///
    /// - Throws: ``SettingError`` when one connection may take more than all together.
    package func validate() throws {
        guard (64 << 10...self.buffered).contains(self.bufferedPerConnection) else {
            throw SettingError(
                at: "buffered_per_connection", because: "must be at least 64KiB, and no more than buffered")
        }
    }
}
