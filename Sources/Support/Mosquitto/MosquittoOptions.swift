package import NIOCore

/// How to connect to a broker.
package struct MosquittoOptions: Sendable {
    /// A name or a numeric address; that of IPv6 without brackets.
    package var host: String
    /// 1 to 65535.
    package var port: Int
    /// The broker, for messages; contains no password.
    package var peer: String
    /// The fields of CONNECT; see MQTT 5 §3.1.
    package var version = MQTTVersion.five
    /// At most 65535 bytes.
    package var clientID: String
    /// `nil` for none.
    package var user: String?
    /// With a user only.
    package var password: String?
    /// `nil` for a connection without TLS.
    package var tls: TLS?
    /// The message that the broker publishes when the connection is lost; `nil` for none.
    package var will: Will?
    /// In whole seconds; zero for none.
    package var keepAlive = Duration.zero
    /// In whole seconds; zero requests a new session that ends with the connection.
    package var sessionExpiry = Duration.zero
    /// How many messages of QoS 1 the broker may send before the first is acknowledged (MQTT 5 §3.1.2.11.3); `nil` for a client that
    /// subscribes to nothing.
    package var receiveMaximum: UInt16?
    /// The longest time for connecting, over all addresses.
    package var connectLimit = Duration.seconds(10)
    /// How long the broker may accept no bytes while some are pending.
    package var stallLimit = MQTTStallDetector.limit

    /// Makes options for a client without subscriptions, keep-alive, session or TLS; the other properties can be set.
    package init(host: String, port: Int, peer: String, clientID: String) {
        self.host = host
        self.port = port
        self.peer = peer
        self.clientID = clientID
    }

    /// The files of TLS, and whom to trust.
    package struct TLS: Sendable {
        /// The trusted authorities, PEM; `nil` for the system's.
        package var authorities: String?
        /// Our certificate, PEM, together with ``key``; `nil` for none.
        package var certificate: String?
        /// The key of our certificate, PEM, without a passphrase.
        package var key: String?
        /// Accepts every certificate.
        package var isInsecure: Bool

        /// Makes settings of TLS; without files by default.
        package init(
            authorities: String? = nil, certificate: String? = nil, key: String? = nil, isInsecure: Bool = false
        ) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
            self.isInsecure = isInsecure
        }
    }

    /// A message that the broker publishes for a client that vanishes (MQTT 5 §3.1.2.5).
    package struct Will: Sendable {
        /// Without wildcards.
        package var topic: String
        /// May be empty.
        package var payload: ByteBuffer
        /// 0 or 1.
        package var qos: Int
        /// Whether the broker keeps it for later subscribers.
        package var isRetained: Bool

        /// Makes a will.
        package init(topic: String, payload: ByteBuffer, qos: Int, isRetained: Bool) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.isRetained = isRetained
        }
    }
}
