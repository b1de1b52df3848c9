/// The cursor of one sink.
package struct SinkMark: Sendable, Equatable {
    /// The name of the sink.
    package var sink: String
    /// Everything up to it is settled.
    package var position: Position
    /// Settled positions after it, in order; at most ``SinkMark/limit``.
    package var ahead: [Position]

    /// How many positions confirmed out of order are kept; the rest is delivered again after a crash.
    package static let limit = 4096

    /// Makes a mark.
    package init(sink: String, position: Position, ahead: [Position] = []) {
        self.sink = sink
        self.position = position
        self.ahead = ahead
    }
}
