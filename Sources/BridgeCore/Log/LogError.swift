/// An error of a log on disk, worded for its operator.
package struct LogError: Error, Sendable, CustomStringConvertible {
    /// Which file, what is wrong with it, and what to do.
    package let description: String

    /// Whether the disk is full or fails temporarily, so that a retry may succeed without intervention.
    package let isTransient: Bool

    /// Whether the disk is full.
    package let isDiskFull: Bool

    /// Makes an error from its description.
    package init(_ description: String, isTransient: Bool = false, isDiskFull: Bool = false) {
        self.description = description
        self.isTransient = isTransient
        self.isDiskFull = isDiskFull
    }
}
