/// Why a component's `run` ended, or why one event could not be delivered.
///
/// The message says what failed, for which peer, and what was expected; `cause` keeps the library's own error.
package struct ComponentError: Error, CustomStringConvertible {
    /// What went wrong, as far as the engine and the metrics care.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case connectionRefused = "connection_refused"
            case connectionLost = "connection_lost"
            case unauthorized = "unauthorized"
            case protocolViolation = "protocol_violation"
            case timedOut = "timed_out"
            case rejected = "rejected"
            case throttled = "throttled"
            case settings = "settings"
            case inputOutput = "io"
        }

        private let value: Value

        /// The peer could not be reached.
        package static let connectionRefused = Code(value: .connectionRefused)
        /// The peer was reached and is gone.
        package static let connectionLost = Code(value: .connectionLost)
        /// The peer does not accept our credentials.
        package static let unauthorized = Code(value: .unauthorized)
        /// The peer said what its protocol does not allow.
        package static let protocolViolation = Code(value: .protocolViolation)
        /// The peer did not answer in time.
        package static let timedOut = Code(value: .timedOut)
        /// The peer refuses what we ask.
        package static let rejected = Code(value: .rejected)
        /// The peer asks us to come back later.
        package static let throttled = Code(value: .throttled)
        /// What the file says cannot work.
        package static let settings = Code(value: .settings)
        /// A file or device failed.
        package static let inputOutput = Code(value: .inputOutput)

        /// The peer is away: it cannot be reached, closed the connection, or is silent.
        var isOutage: Bool { self == .connectionRefused || self == .connectionLost || self == .timedOut }

        /// The label of the error counter.
        package var description: String { self.value.rawValue }
    }

    package var code: Code
    package var message: String
    /// False when trying again cannot help: a source then stays down until restart and readiness says so.
    package var isRetryable: Bool
    /// The least time until the next attempt, as the peer asked (`Retry-After`, RFC 9110 §10.2.3).
    package var retryAfter: Duration?
    package var cause: (any Error)?

    package init(
        _ code: Code, _ message: String, isRetryable: Bool = true, retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.cause = cause
    }

    package var description: String {
        if let cause { "\(self.message): \(cause)" } else { self.message }
    }
}
