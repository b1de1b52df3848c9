import Glibc

/// A failure of a process or peer that a test uses.
package struct PeerError: Error, CustomStringConvertible {
    /// The message, as the test reports it.
    package let description: String

    /// Makes an error from its message.
    package init(_ description: String) {
        self.description = description
    }

    /// The error of a failed system call.
    ///
    /// - Parameter number: the error number; by default the current `errno`.
    package static func system(_ call: String, _ number: Int32 = errno) -> PeerError {
        PeerError("\(call): \(String(cString: strerror(number)))")
    }
}
