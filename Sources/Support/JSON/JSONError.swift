/// Why bytes are not a JSON document.
package struct JSONError: Error, CustomStringConvertible {
    /// What is wrong, without a final stop.
    package let message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { self.message }
}
