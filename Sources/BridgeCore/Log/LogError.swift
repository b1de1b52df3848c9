/// What is wrong with a log on disk, as its operator reads it.
package struct LogError: Error, Sendable, CustomStringConvertible {
    /// Which file, what is wrong with it, and what to do.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
