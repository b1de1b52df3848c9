/// What an adapter promises; each promise switches checks of the conformance kit on.
package struct Guarantees: OptionSet, Sendable, CustomStringConvertible {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Events arrive in the order they were sent in.
    package static let ordered = Guarantees(rawValue: 1 << 0)
    /// What was not acknowledged or confirmed comes again.
    package static let atLeastOnce = Guarantees(rawValue: 1 << 1)
    /// Headers, user properties or fields travel beside the body.
    package static let keepsHeaders = Guarantees(rawValue: 1 << 2)
    /// Sources: what is sent while the connection is lost arrives afterwards.
    package static let resumesAfterReconnect = Guarantees(rawValue: 1 << 3)
    /// Sources: what cannot be taken now stays with the peer, and nothing is lost.
    package static let pushesBack = Guarantees(rawValue: 1 << 4)
    /// Bodies of any bytes arrive as they are.
    package static let binarySafe = Guarantees(rawValue: 1 << 5)
    /// It has a connection of its own that can be lost, and then fails with an error that says so.
    package static let connects = Guarantees(rawValue: 1 << 6)
    /// A known loss becomes a gap event.
    package static let tellsGaps = Guarantees(rawValue: 1 << 7)

    private static let names: [(Guarantees, String)] = [
        (.ordered, "ordered"), (.atLeastOnce, "at least once"), (.keepsHeaders, "keeps headers"),
        (.resumesAfterReconnect, "resumes"), (.pushesBack, "pushes back"), (.binarySafe, "binary safe"),
        (.connects, "connects"), (.tellsGaps, "tells gaps"),
    ]

    package var description: String {
        Self.names.filter { self.contains($0.0) }.map(\.1).joined(separator: ", ")
    }
}
