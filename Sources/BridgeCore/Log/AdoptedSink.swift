/// What a log on disk holds for a sink that a reload adds.
package struct AdoptedSink: Sendable {
    /// What is pending for it.
    package var owed: LogContents.Owed
    /// Its keys of `dedupe:` that have not expired.
    package var keys: [DeliveredKey]

    /// Makes it from its parts.
    package init(owed: LogContents.Owed, keys: [DeliveredKey] = []) {
        self.owed = owed
        self.keys = keys
    }
}
