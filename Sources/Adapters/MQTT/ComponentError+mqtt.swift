import BridgeCore
import CMosquitto

extension ComponentError {
    /// How long to leave a broker alone that refuses us for who we are: asking again at once looks like an attack.
    private static let pauseAfterRefusal = Duration.seconds(30)

    /// What a refusal in a CONNACK means, `nil` for an acceptance.
    ///
    /// - Parameter reason: MQTT 5 §3.2.2.2 or MQTT 3.1.1 §3.2.2.3.
    static func connack(
        _ reason: Int32, version: MQTTConnectionSettings.Version, clientID: String, keepAlive: Duration, peer: String
    ) -> Self? {
        guard reason != 0 else { return nil }
        // An old broker answers a CONNECT of MQTT 5 with the code of its own version.
        if version == .five, reason == 1 || reason == 0x84 {
            return Self(.rejected, "\(peer) does not speak MQTT 5; write protocol: 3.1.1", retryAfter: self.pauseAfterRefusal)
        }
        if version == .three {
            switch reason {
            case 1: return Self(.rejected, "\(peer) does not speak MQTT 3.1.1", retryAfter: self.pauseAfterRefusal)
            case 2:
                // mosquitto says so of a keep-alive that its max_keepalive does not allow.
                let hint = keepAlive == .zero ? ", or not keep_alive: 0s" : ""
                return Self(
                    .rejected, "\(peer) does not accept the client id \(clientID)\(hint)", retryAfter: self.pauseAfterRefusal
                )
            case 3: return Self(.throttled, "\(peer) says that it is unavailable")
            case 4: return Self(.unauthorized, "\(peer) does not accept user and password", retryAfter: self.pauseAfterRefusal)
            case 5:
                return Self(
                    .unauthorized, "\(peer) does not authorise us to connect; check user, password and the broker's rules",
                    retryAfter: self.pauseAfterRefusal)
            default: return Self(.protocolViolation, "\(peer) refused the connection with the unknown code \(reason)")
            }
        }
        switch reason {
        case 0x85: return Self(.rejected, "\(peer) does not accept the client id \(clientID)", retryAfter: self.pauseAfterRefusal)
        case 0x86: return Self(.unauthorized, "\(peer) does not accept user and password", retryAfter: self.pauseAfterRefusal)
        case 0x87, 0x8a, 0x8c:
            return Self(
                .unauthorized,
                "\(peer) does not authorise us to connect (\(Self.text(reason))); check user, password and the broker's rules",
                retryAfter: self.pauseAfterRefusal
            )
        case 0x88, 0x89, 0x97, 0x9f: return Self(.throttled, "\(peer) refused the connection (\(Self.text(reason)))")
        default: return Self(.rejected, "\(peer) refused the connection (\(Self.text(reason)))")
        }
    }

    /// What the end of a connection means.
    ///
    /// - Parameter reason: of DISCONNECT, MQTT 5 §3.14.2.1, or a code of the library.
    static func ended(_ reason: Int32, clientID: String, peer: String) -> Self {
        switch reason {
        case 0x8e:
            Self(
                .connectionLost, "\(peer) closed the connection because another client has the same client id \(clientID)",
                retryAfter: .seconds(5)
            )
        case 0x80...0xff: Self(.connectionLost, "\(peer) closed the connection (\(Self.text(reason)))")
        default: Self(.connectionLost, "the connection to \(peer) was lost")
        }
    }

    /// Whether a broker ends a connection with this reason whatever the client has sent: server busy or shutting down, keep alive timeout,
    /// session taken over, administrative action, another server, connection rate or time (MQTT 5 §3.14.2.1).
    static func isOfBrokerOnly(_ reason: Int32) -> Bool {
        [0x89, 0x8b, 0x8d, 0x8e, 0x98, 0x9c, 0x9d, 0x9f, 0xa0].contains(reason)
    }

    /// What a failed call of the library means for the connection.
    static func failed(_ error: MosquittoError, peer: String) -> Self {
        switch error.code {
        case MOSQ_ERR_EAI: Self(.connectionRefused, "the name of \(peer) cannot be resolved", cause: error)
        case MOSQ_ERR_PROTOCOL, MOSQ_ERR_MALFORMED_PACKET, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_DUPLICATE_PROPERTY:
            Self(.protocolViolation, "\(peer) sent what MQTT does not allow", cause: error)
        case MOSQ_ERR_INVAL:
            Self(.settings, "libmosquitto does not accept what the file says for \(peer)", isRetryable: false, cause: error)
        default: Self(.connectionLost, "the connection to \(peer) was lost", cause: error)
        }
    }

    /// The words of the specification for a reason code.
    static func text(_ reason: Int32) -> String {
        let text = String(cString: mosquitto_reason_string(reason))
        return "reason code \(reason): \(text.last == "." ? String(text.dropLast()) : text)"
    }
}
