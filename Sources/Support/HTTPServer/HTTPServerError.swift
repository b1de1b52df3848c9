/// Why the server cannot listen, or why a path cannot be registered.
package struct HTTPServerError: Error, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Hashable, Sendable {
        private enum Value: Sendable { case listen, identity, pattern, taken }

        private let value: Value

        /// The address cannot be listened on.
        package static let listen = Code(value: .listen)
        /// The TLS certificate or key cannot be used.
        package static let identity = Code(value: .identity)
        /// A path pattern is malformed.
        package static let pattern = Code(value: .pattern)
        /// Method and path are registered already.
        package static let taken = Code(value: .taken)
    }

    /// The kind of failure.
    package var code: Code
    /// One sentence that names the address, file or path.
    package var message: String
    /// The error of the system or of a library, where there is one.
    package var cause: (any Error)?

    /// Makes an error from its parts.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, followed by the cause.
    package var description: String {
        if let cause { "\(self.message): \(cause)" } else { self.message }
    }
}
