/// An error of ``JSONParser``: the bytes are not one JSON document.
package struct JSONError: Error, CustomStringConvertible {
    /// The reason, without a final stop.
    package let message: String

    /// Makes an error from its reason.
    package init(_ message: String) {
        self.message = message
    }

    /// The message.
    package var description: String { self.message }
}
