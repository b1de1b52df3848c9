/// Why a component's `run` ended, or why an event could not be delivered.
///
/// The message names the failed operation, the peer and what was expected; `cause` keeps the error of the library.
package struct ComponentError: Error, CustomStringConvertible {
    /// The class of an error, for the engine and the metrics.
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

        /// The peer is unreachable.
        package static let connectionRefused = Code(value: .connectionRefused)
        /// The connection to the peer ended.
        package static let connectionLost = Code(value: .connectionLost)
        /// The peer does not accept the credentials.
        package static let unauthorized = Code(value: .unauthorized)
        /// The peer violated its protocol.
        package static let protocolViolation = Code(value: .protocolViolation)
        /// The peer did not answer in time.
        package static let timedOut = Code(value: .timedOut)
        /// The peer refuses the request.
        package static let rejected = Code(value: .rejected)
        /// The peer asks for a retry later.
        package static let throttled = Code(value: .throttled)
        /// The configuration cannot work.
        package static let settings = Code(value: .settings)
        /// A file or device failed.
        package static let inputOutput = Code(value: .inputOutput)

        /// Whether the peer is away: unreachable, disconnected or silent.
        var isOutage: Bool { self == .connectionRefused || self == .connectionLost || self == .timedOut }

        /// The label of the error counter, such as `connection_lost`.
        package var description: String { self.value.rawValue }
    }

    /// The class of the error.
    package var code: Code
    /// What failed, for which peer, and what was expected.
    package var message: String
    /// Whether a retry can succeed; a source that throws `false` stays down until the restart and is reported by
    /// readiness.
    package var isRetryable: Bool
    /// The minimum wait before the next attempt, as the peer asked (`Retry-After`, RFC 9110 §10.2.3); `nil` when it did
    /// not.
    package var retryAfter: Duration?
    /// The error of the library; `nil` when there is none.
    package var cause: (any Error)?

    /// Makes an error, retryable by default.
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

    /// The message, followed by the cause when there is one.
    package var description: String {
        if let cause { "\(self.message): \(cause)" } else { self.message }
    }
}
