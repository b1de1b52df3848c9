/// Why a connection to a broker could not be made or has ended, or why a message was not taken.
package struct MosquittoError: Error, CustomStringConvertible {
    /// The kind of failure, as far as callers need it.
    package enum Code: Equatable, Sendable {
        /// The connection was refused, the name has no address, or TLS could not be negotiated.
        case unreachable
        /// The broker did not answer in time.
        case timedOut
        /// The connection broke, or the broker gives no sign of life.
        case lost
        /// The broker violated the MQTT protocol.
        case violation
        /// The broker rejects our certificate or requires one.
        case certificate
        /// A file of the TLS settings cannot be used.
        case file
        /// The process has no descriptor left.
        case resources
        /// The broker refused the connection with this code in CONNACK (MQTT 5 §3.2.2.2, MQTT 3.1.1 §3.2.2.3).
        case refused(Int32)
        /// The broker ended the connection with this reason code in DISCONNECT, 0x80 to 0xff (MQTT 5 §3.14.2.1).
        case disconnected(Int32)
        /// A text, topic or property of ours is not what MQTT allows.
        case invalid
        /// The message exceeds the broker's limit (MQTT 5 §3.2.2.3.6).
        case tooLarge
        /// The broker keeps no retained messages (MQTT 5 §3.2.2.3.5).
        case retainUnsupported
        /// The broker supports only quality of service 0 (MQTT 5 §3.2.2.3.4).
        case qosUnsupported
    }

    /// The class of the error.
    package let code: Code
    /// One sentence without a final stop that names the broker; never contains a password.
    package var message: String
    /// The failed call of the library or the system; `nil` when there is none.
    package var cause: MosquittoFailure?
    /// The Server Reference that the broker sent, unmodified (MQTT 5 §4.11); `nil` for none.
    package let reference: String?

    init(_ code: Code, _ message: String, cause: MosquittoFailure? = nil, reference: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.reference = reference
    }

    /// The message, followed by the cause when there is one.
    package var description: String { self.cause.map { "\(self.message): \($0)" } ?? self.message }
}
