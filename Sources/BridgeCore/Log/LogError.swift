/// What is wrong with a log on disk, as its operator reads it.
package struct LogError: Error, Sendable, CustomStringConvertible {
    /// Which file, what is wrong with it, and what to do.
    package let description: String

    /// The disk is full or has failed for the moment: trying again may help without anybody changing the file.
    package let isTransient: Bool

    /// The disk has no room.
    package let isDiskFull: Bool

    /// Makes an error from its description.
    package init(_ description: String, isTransient: Bool = false, isDiskFull: Bool = false) {
        self.description = description
        self.isTransient = isTransient
        self.isDiskFull = isDiskFull
    }
}
