/// Identifies a sink, source or route of a bridge by its index in the order of the file.
///
/// Each kind has its own type, so that the compiler refuses an index of another kind.
package protocol ComponentIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByIntegerLiteral
where RawValue == Int {
    /// Makes an index.
    ///
    /// - Parameter rawValue: the index, from 0.
    init(_ rawValue: Int)
}

extension ComponentIndex {
    /// Makes an index from its number, from 0.
    package init(rawValue: Int) { self.init(rawValue) }
    /// Makes an index from a literal.
    package init(integerLiteral value: Int) { self.init(value) }
    /// Compares by the order of the file.
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    /// The number in decimal.
    package var description: String { String(self.rawValue) }
}

/// The index of a sink in `sinks:`.
package struct SinkIndex: ComponentIndex {
    /// The index, from 0.
    package let rawValue: Int

    /// Makes an index from its number, from 0.
    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The index of a source in `sources:`.
package struct SourceIndex: ComponentIndex {
    /// The index, from 0.
    package let rawValue: Int

    /// Makes an index from its number, from 0.
    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The index of a route in `routes:` and in ``RouteTable/routes``.
package struct RouteIndex: ComponentIndex {
    /// The index, from 0.
    package let rawValue: Int

    /// Makes an index from its number, from 0.
    package init(_ rawValue: Int) { self.rawValue = rawValue }
}
