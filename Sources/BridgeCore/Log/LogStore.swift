/// A log that outlives the program: what ``LogWriter`` writes to and reads back from.
///
/// Opened by whoever makes it, which also hands over its ``LogContents``. Every call comes from one thread at a time, the writer's, and may
/// block it.
package protocol LogStore: Sendable {
    /// Makes a group of changes safe, all of them or none; an empty group tells whether it would take one.
    ///
    /// - Throws: ``LogError``; the same changes are then given again, later.
    func commit(_ changes: LogChanges) throws

    /// Reads what a sink is owed, in order.
    ///
    /// A row that cannot be read does not keep it from the others.
    ///
    /// - Parameters:
    ///   - position: the last place that the sink has looked at.
    ///   - limit: how many events at most.
    /// - Throws: ``LogError``; the caller asks again later.
    func page(of sink: String, after position: Position, atMost limit: Int) throws -> LogPage

    /// Reads the latest events that a sink has numbered, in order.
    ///
    /// - Throws: ``LogError``.
    func history(of sink: String, atMost limit: Int) throws -> SinkHistory

    /// Removes what nobody owes and nobody wants kept any more.
    ///
    /// - Parameter position: everything before it has been delivered.
    /// - Returns: whether there is more to remove; then it is called again soon.
    /// - Throws: ``LogError``.
    func trim(before position: Position) throws -> Bool

    /// Removes some of the kept dead letters above their limits, the oldest first.
    ///
    /// - Returns: how many it removed; it is called again soon unless that is 0.
    /// - Throws: ``LogError``.
    func trimDeadLetters() throws -> Int

    /// Takes dead letters that another process has asked to have replayed, the oldest first.
    ///
    /// Those of them that cannot be read are not on their way.
    ///
    /// - Parameter limit: the largest number, 1 or more; large dead letters may be fewer.
    /// - Throws: ``LogError``.
    func replays(atMost limit: Int) throws -> FoundDeadLetters

    /// How many dead letters there are.
    ///
    /// - Throws: ``LogError``.
    func deadLetterCount() throws -> Int

    /// Ends its use in order; nothing is called after it.
    func close()
}
