/// The position of a record in the log: 1 for the first event, 0 before all events.
///
/// Grows by one with each event.
package struct Position: RawRepresentable, Comparable, Hashable, Sendable, CustomStringConvertible {
    /// The number, from 0.
    package var rawValue: UInt64

    /// Makes a position from its number.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Makes a position from its number.
    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The position before every event.
    package static let start = Position(0)

    /// The position after this one.
    package var next: Position { Position(self.rawValue + 1) }
    /// The position before this one; ``start`` for ``start``.
    package var previous: Position { Position(self.rawValue == 0 ? 0 : self.rawValue - 1) }

    /// Compares by the order of the log.
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    /// The number in decimal.
    package var description: String { String(self.rawValue) }
}
