/// An error of ``ContentDecoder``: an unsupported coding or damaged data.
package struct ContentDecodingError: Error, CustomStringConvertible {
    /// One sentence without a final stop; contains at most 100 characters of the peer's field.
    package let message: String

    init(_ message: String) {
        self.message = message
    }

    /// The message.
    package var description: String { self.message }
}
