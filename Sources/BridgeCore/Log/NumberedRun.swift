/// Consecutive deliveries of a sink that numbers what it has published.
package struct NumberedRun: Sendable, Equatable {
    package var sink: String
    package var first: Position
    package var last: Position
    /// How many deliveries.
    package var count: Int
    /// The number of the first; each further delivery has the next.
    package var sequence: UInt64

    package init(sink: String, first: Position, last: Position, count: Int, sequence: UInt64) {
        self.sink = sink
        self.first = first
        self.last = last
        self.count = count
        self.sequence = sequence
    }
}
