import Glibc

/// A failed system call of a ``PollThread``.
package struct PollThreadError: Error, CustomStringConvertible {
    /// The name of the system call.
    package let call: String
    /// Its error number.
    package let code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// The call and the system's text for the error number.
    package var description: String { "\(self.call): \(String(cString: strerror(self.code)))" }
}
