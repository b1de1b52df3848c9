import Glibc

/// The operating system refused what a ``PollThread`` needs.
package struct PollThreadError: Error, CustomStringConvertible {
    /// The system call.
    package let call: String
    /// Its `errno`.
    package let code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(self.call): \(String(cString: strerror(self.code)))" }
}
