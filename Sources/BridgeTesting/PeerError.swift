import Glibc

/// What went wrong with a process or peer of a test.
package struct PeerError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }

    /// Of a system call that has just failed.
    package static func system(_ call: String, _ number: Int32 = errno) -> PeerError {
        PeerError("\(call): \(String(cString: strerror(number)))")
    }
}
