import BridgeCore
import Mosquitto

extension ComponentError {
    /// The back-off after a broker has refused our identity: immediate retries look like an attack.
    private static let pauseAfterRefusal = Duration.seconds(30)

    /// Translates an error of the connection for the source or the sink.
    static func of(_ error: MosquittoError, _ settings: MQTTConnectionSettings, clientID: String) -> Self {
        let peer = settings.address.description
        switch error.code {
        case .unreachable:
            guard let cause = error.cause else { return Self(.connectionRefused, error.message) }
            let remedy = cause.isOfName ? PeerRemedy.unresolved : PeerRemedy.unreachable
            return Self(.connectionRefused, "\(error.message): \(cause.reason); \(remedy)")
        case .timedOut: return Self(.timedOut, error.message, cause: error.cause)
        case .lost: return Self(.connectionLost, error.message, cause: error.cause)
        case .violation: return Self(.protocolViolation, error.message, cause: error.cause)
        case .certificate: return Self(.unauthorized, error.message, retryAfter: self.pauseAfterRefusal)
        case .file: return Self(.settings, error.message)
        case .resources: return Self(.inputOutput, error.message)
        case .invalid: return Self(.settings, error.message, isRetryable: false, cause: error.cause)
        case .tooLarge, .retainUnsupported, .qosUnsupported:
            return Self(.rejected, error.message, retryAfter: self.pauseAfterRefusal)
        case .refused(let reason):
            return self.connack(
                reason, version: settings.version, clientID: clientID, keepAlive: settings.keepAlive,
                reference: error.reference, peer: peer
            )
        case .disconnected(let reason):
            return self.ended(reason, clientID: clientID, reference: error.reference, peer: peer)
        }
    }

    private static func login(_ peer: String) -> Self {
        Self(
            .unauthorized, "\(peer) does not accept user and password; correct them, or add the user at the broker",
            retryAfter: self.pauseAfterRefusal)
    }

    /// Translates a refusal in a CONNACK.
    ///
    /// - Parameters:
    ///   - reason: MQTT 5 §3.2.2.2 or MQTT 3.1.1 §3.2.2.3.
    ///   - reference: the Server Reference that the broker sent, unmodified (MQTT 5 §4.11).
    static func connack(
        _ reason: Int32, version: MQTTVersion, clientID: String, keepAlive: Duration,
        reference: String? = nil, peer: String
    ) -> Self {
        // An old broker answers a CONNECT of MQTT 5 with the code of its own version.
        if version == .five, reason == 1 || reason == 0x84 {
            return Self(.rejected, "\(peer) does not speak MQTT 5; write protocol: 3.1.1", retryAfter: self.pauseAfterRefusal)
        }
        if version == .three {
            switch reason {
            case 1: return Self(.rejected, "\(peer) does not speak MQTT 3.1.1", retryAfter: self.pauseAfterRefusal)
            case 2:
                // mosquitto returns this for a keep-alive that its max_keepalive forbids.
                let hint = keepAlive == .zero ? ", or not keep_alive: 0s" : ""
                return Self(
                    .rejected, "\(peer) does not accept the client id \(clientID)\(hint)", retryAfter: self.pauseAfterRefusal
                )
            case 3: return Self(.throttled, "\(peer) reports that it is unavailable")
            case 4: return self.login(peer)
            case 5:
                return Self(
                    .unauthorized, "\(peer) does not authorise us to connect; check user, password and the broker's rules",
                    retryAfter: self.pauseAfterRefusal)
            default: return Self(.protocolViolation, "\(peer) refused the connection with the unknown code \(reason)")
            }
        }
        switch reason {
        case 0x85: return Self(.rejected, "\(peer) does not accept the client id \(clientID)", retryAfter: self.pauseAfterRefusal)
        case 0x86: return self.login(peer)
        case 0x87, 0x8a, 0x8c:
            return Self(
                .unauthorized,
                "\(peer) does not authorise us to connect (\(Self.text(reason))); check user, password and the broker's rules",
                retryAfter: self.pauseAfterRefusal
            )
        case 0x9c, 0x9d:
            return Self(
                .rejected, "\(peer) refused the connection (\(Self.text(reason)))\(Self.elsewhere(reference))",
                retryAfter: self.pauseAfterRefusal
            )
        case 0x88, 0x89, 0x97, 0x9f: return Self(.throttled, "\(peer) refused the connection (\(Self.text(reason)))")
        default: return Self(.rejected, "\(peer) refused the connection (\(Self.text(reason)))")
        }
    }

    /// Translates a DISCONNECT of the broker.
    ///
    /// - Parameters:
    ///   - reason: MQTT 5 §3.14.2.1.
    ///   - reference: the Server Reference that the broker sent, unmodified (MQTT 5 §4.11).
    static func ended(_ reason: Int32, clientID: String, reference: String? = nil, peer: String) -> Self {
        switch reason {
        case 0x8e:
            Self(
                .connectionLost,
                "\(peer) closed the connection because another client has the same client id \(clientID); give each program its own"
                    + " client_id",
                retryAfter: .seconds(5)
            )
        case 0x9c, 0x9d:
            Self(.connectionLost, "\(peer) closed the connection (\(Self.text(reason)))\(Self.elsewhere(reference))")
        default: Self(.connectionLost, "\(peer) closed the connection (\(Self.text(reason)))")
        }
    }

    /// The remedy for a broker that redirects its clients.
    ///
    /// A Server Reference may list several servers, separated by spaces.
    private static func elsewhere(_ reference: String?) -> String {
        guard let reference, !reference.isEmpty else { return "; set url to the address of the other server" }
        let text = SafeText.sentence(String(reference.unicodeScalars.prefix(self.longestReference)))
        let isWhole = reference.unicodeScalars.count <= self.longestReference
        return "; it refers to '\(text)\(isWhole ? "" : "…")'; set url to that server"
    }

    /// In Unicode scalars; a host name has at most 253.
    private static let longestReference = 300

    /// Whether a broker ends a connection with this reason independently of what the client has sent: server busy or
    /// shutting down, keep alive timeout, session taken over, administrative action, another server, connection rate or
    /// time (MQTT 5 §3.14.2.1).
    static func isOfBrokerOnly(_ reason: Int32) -> Bool {
        [0x89, 0x8b, 0x8d, 0x8e, 0x98, 0x9c, 0x9d, 0x9f, 0xa0].contains(reason)
    }

    /// The words of the specification for a reason code.
    static func text(_ reason: Int32) -> String { MQTTReasonCode.text(reason) }
}
