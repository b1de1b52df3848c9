/// A place in the log: the first event has position 1, 0 stands before all of them.
///
/// Grows by one with each event.
package struct Position: RawRepresentable, Comparable, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before every event.
    package static let start = Position(0)

    package var next: Position { Position(self.rawValue + 1) }
    /// The place before; that of ``start`` is itself.
    package var previous: Position { Position(self.rawValue == 0 ? 0 : self.rawValue - 1) }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    package var description: String { String(self.rawValue) }
}
