/// Why a body cannot be decoded.
package struct ContentDecodingError: Error, CustomStringConvertible {
    /// One sentence without a final stop.
    package let message: String

    init(_ message: String) {
        self.message = message
    }

    package var description: String { self.message }
}
