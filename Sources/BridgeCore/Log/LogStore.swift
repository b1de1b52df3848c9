/// A log that survives the program: what ``LogWriter`` writes to and reads from.
///
/// Whoever opens it also provides its ``LogContents``. Calls come from one thread at a time, the writer's, and may
/// block it.
package protocol LogStore: Sendable {
    /// Writes a group of changes durably, all or none; an empty group tests whether the store accepts one.
    ///
    /// - Throws: ``LogError``; the caller passes the same changes again later.
    func commit(_ changes: LogChanges) throws

    /// Reads events that are pending for a sink, in order.
    ///
    /// An unreadable row does not affect the others.
    ///
    /// - Parameters:
    ///   - position: the last position that the sink has passed.
    ///   - limit: how many events at most.
    /// - Throws: ``LogError``; the caller retries later.
    func page(of sink: String, after position: Position, atMost limit: Int) throws -> LogPage

    /// Reads the latest events that a sink has numbered, in order.
    ///
    /// - Throws: ``LogError``.
    func history(of sink: String, atMost limit: Int) throws -> SinkHistory

    /// Keeps what is pending for a sink that the configuration no longer has, like at the next start; removes its snapshot.
    ///
    /// The sink's cursor has been written.
    ///
    /// - Throws: ``LogError``.
    func release(sink: String) throws

    /// Reads what is pending for a sink that a configuration adds; one that was never there begins at the head of the log.
    ///
    /// Everything stays as ``release(sink:)`` keeps it until ``adopted(sink:)``.
    ///
    /// - Throws: ``LogError``.
    func adopt(sink: String) throws -> AdoptedSink

    /// The configuration has the sink now, and the caller knows what is pending for it.
    func adopted(sink: String)

    /// Removes what is neither pending nor retained.
    ///
    /// - Parameter position: everything before it has been delivered.
    /// - Returns: whether there is more to remove; if so, the caller calls again soon.
    /// - Throws: ``LogError``.
    func trim(before position: Position) throws -> Bool

    /// Removes some of the kept dead letters above their limits, the oldest first.
    ///
    /// - Returns: the number removed; the caller calls again soon unless that is 0.
    /// - Throws: ``LogError``.
    func trimDeadLetters() throws -> Int

    /// Takes dead letters that another process wants replayed, the oldest first.
    ///
    /// Unreadable ones do not count as in flight.
    ///
    /// - Parameter limit: the largest number, 1 or more; fewer are returned if they are large.
    /// - Throws: ``LogError``.
    func replays(atMost limit: Int) throws -> FoundDeadLetters

    /// The number of dead letters.
    ///
    /// - Throws: ``LogError``.
    func deadLetterCount() throws -> Int

    /// Closes it in order; no call follows.
    func close()
}
