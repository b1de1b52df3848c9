import Glibc
import NIOCore

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

    /// Why an address cannot be listened on, with the remedy.
    ///
    /// - Parameter setting: the key that has the address.
    package static func listening(on address: String, _ error: any Error, setting: String) -> HTTPServerError {
        let text = "the HTTP server cannot listen on \(address)"
        guard let error = error as? IOError else { return HTTPServerError(.listen, text, cause: error) }
        let remedy =
            switch error.errnoCode {
            case EADDRINUSE: "; another program uses the port; stop it, or change \(setting)"
            case EADDRNOTAVAIL: "; this machine does not have the address; change \(setting)"
            case EACCES: "; the user may not use ports below 1024; change \(setting), or grant CAP_NET_BIND_SERVICE"
            default: ""
            }
        return HTTPServerError(.listen, "\(text): \(String(cString: strerror(error.errnoCode)))\(remedy)")
    }
}
