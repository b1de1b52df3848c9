/// Which sink, source or route of a bridge: its place in the order of the file.
///
/// Each kind has a type of its own, so that the index of one is never taken for that of another.
package protocol ComponentIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByIntegerLiteral
where RawValue == Int {
    /// - Parameter rawValue: the place, from 0.
    init(_ rawValue: Int)
}

extension ComponentIndex {
    package init(rawValue: Int) { self.init(rawValue) }
    package init(integerLiteral value: Int) { self.init(value) }
    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    package var description: String { String(self.rawValue) }
}

/// Which sink: its place in `sinks:`.
package struct SinkIndex: ComponentIndex {
    package let rawValue: Int

    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// Which source: its place in `sources:`.
package struct SourceIndex: ComponentIndex {
    package let rawValue: Int

    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// Which route: its place in `routes:`, and in ``RouteTable/routes``.
package struct RouteIndex: ComponentIndex {
    package let rawValue: Int

    package init(_ rawValue: Int) { self.rawValue = rawValue }
}
