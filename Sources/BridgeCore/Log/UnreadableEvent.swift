/// A row of a log on disk that is no event any more, damaged or changed by another hand.
package struct UnreadableEvent: Sendable, Equatable {
    package var position: Position
    /// How many deliveries of it a sink was owed.
    package var deliveries: Int
    /// What each of them weighed in the bounds of buffers, in bytes.
    package var weight: Int

    package init(position: Position, deliveries: Int, weight: Int) {
        self.position = position
        self.deliveries = deliveries
        self.weight = weight
    }
}
