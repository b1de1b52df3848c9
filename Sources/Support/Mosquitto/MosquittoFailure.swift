import CMosquitto
import Glibc

/// A failed call of libmosquitto.
package struct MosquittoFailure: Error, CustomStringConvertible {
    /// The action that failed, as a noun or gerund.
    let action: String
    let code: mosq_err_t
    /// `errno` at the time.
    let system: Int32

    init(_ action: String, _ code: mosq_err_t, system: Int32) {
        self.action = action
        self.code = code
        self.system = system
    }

    /// The action and the sentence of the library or the system for the code.
    package var description: String { "\(self.action): \(self.reason)" }

    /// The sentence of the library or the system for the code.
    package var reason: String {
        switch self.code {
        case MOSQ_ERR_ERRNO: String(cString: strerror(self.system))
        case MOSQ_ERR_EAI: String(cString: gai_strerror(self.system))
        default: Self.text(self.code)
        }
    }

    /// Whether a host's name has no address.
    package var isOfName: Bool { self.code == MOSQ_ERR_EAI }

    /// The library's own sentence without its final stop.
    private static func text(_ code: mosq_err_t) -> String {
        let text = String(cString: mosquitto_strerror(code.rawValue))
        return text.last == "." ? String(text.dropLast()) : text
    }

    /// Translates the failure for the connection.
    func error(peer: String) -> MosquittoError {
        switch self.code {
        case MOSQ_ERR_EAI: MosquittoError(.unreachable, "the name of \(peer) cannot be resolved", cause: self)
        case MOSQ_ERR_PROTOCOL, MOSQ_ERR_MALFORMED_PACKET, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_DUPLICATE_PROPERTY:
            MosquittoError(.violation, "\(peer) violated the MQTT protocol", cause: self)
        case MOSQ_ERR_INVAL:
            MosquittoError(.invalid, "libmosquitto does not accept the settings for \(peer)", cause: self)
        default: MosquittoError(.lost, "the connection to \(peer) was lost", cause: self)
        }
    }

    /// Translates the failure for a message to publish.
    func publishError(peer: String) -> MosquittoError {
        switch self.code {
        case MOSQ_ERR_OVERSIZE_PACKET, MOSQ_ERR_PAYLOAD_SIZE:
            MosquittoError(.tooLarge, "the message is larger than \(peer) accepts")
        case MOSQ_ERR_INVAL, MOSQ_ERR_MALFORMED_UTF8:
            MosquittoError(.invalid, "the topic or a property is not valid in MQTT (\(self))")
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED: MosquittoError(.retainUnsupported, "\(peer) does not support retained messages")
        case MOSQ_ERR_QOS_NOT_SUPPORTED: MosquittoError(.qosUnsupported, "\(peer) supports qos 0 only; write qos: 0")
        default: self.error(peer: peer)
        }
    }
}
