/// The address, TLS identity and limits of an ``HTTPServer``.
package struct HTTPServerConfiguration: Sendable {
    /// The listening socket.
    package enum Address: Sendable, Equatable {
        /// A host name or address and a port; port 0 lets the system choose one.
        case tcp(host: String, port: Int)
        /// The path of a Unix domain socket; an existing socket is replaced.
        case unix(path: String)
    }

    /// The files of a TLS identity, in PEM.
    package struct TLS: Sendable {
        /// The certificate, followed by the intermediate ones.
        package var certificates: String
        /// The private key of the certificate.
        package var key: String
        /// Certificates of the authorities that sign client certificates; if set, every client must present one.
        package var clientAuthorities: String?

        /// Makes a TLS identity from the paths of its files.
        package init(certificates: String, key: String, clientAuthorities: String? = nil) {
            self.certificates = certificates
            self.key = key
            self.clientAuthorities = clientAuthorities
        }
    }

    /// Where the server listens.
    package var address: Address
    /// The TLS identity; `nil` for plain HTTP.
    package var tls: TLS?
    /// Connections that the kernel completes before the server has accepted them.
    package var backlog: Int32
    /// Connections at once, including streams; one with HTTP/2 counts once, however many requests it carries.
    ///
    /// Further connections are answered 503 and closed, except for vital routes.
    package var connections: Int
    /// Connections above ``connections`` that get an answer; further ones are reset.
    package var spareConnections: Int
    /// Bytes of request line and header fields of one request; larger ones get 431, or end the connection with HTTP/2.
    package var headerBytes: Int
    /// From accepting a connection (TLS handshake included) to the end of its first request head.
    package var headTimeout: Duration
    /// From the end of an answer to the end of the next request head; also how long a client may read nothing of an
    /// answer.
    package var idleTimeout: Duration
    /// Between two parts of a request body.
    ///
    /// The whole body may take ten times as long.
    package var bodyTimeout: Duration
    /// Bytes of request bodies and unsent answers in memory, of all connections together.
    ///
    /// When they are used up, clients that have held some for a second or more are disconnected, and requests without
    /// room are answered 503.
    package var bufferedBytes: Int
    /// The same for one connection with HTTP/2; requests above it are refused with REFUSED_STREAM, bodies and answers with 503.
    ///
    /// A single request or answer may be larger.
    package var connectionBytes: Int
    /// Requests at once on one connection with HTTP/2, 100 or more; the next is refused with REFUSED_STREAM (RFC 9113 §8.7).
    package var streams: Int
    /// Hosts, pages and proxies.
    package var policy: HTTPPolicy

    /// Makes a configuration; the defaults are those of a file that sets only `http.listen`.
    package init(
        address: Address, tls: TLS? = nil, backlog: Int32 = 1024, connections: Int = 100_000, spareConnections: Int = 64,
        headerBytes: Int = 32 << 10,
        headTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(60), bodyTimeout: Duration = .seconds(30),
        bufferedBytes: Int = 32 << 20, connectionBytes: Int = 8 << 20, streams: Int = 200,
        policy: HTTPPolicy = HTTPPolicy()
    ) {
        self.address = address
        self.tls = tls
        self.backlog = backlog
        self.connections = connections
        self.spareConnections = spareConnections
        self.headerBytes = headerBytes
        self.headTimeout = headTimeout
        self.idleTimeout = idleTimeout
        self.bodyTimeout = bodyTimeout
        self.bufferedBytes = bufferedBytes
        self.connectionBytes = connectionBytes
        self.streams = streams
        self.policy = policy
    }
}
