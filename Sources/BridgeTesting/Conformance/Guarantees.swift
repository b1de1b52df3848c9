/// The guarantees of an adapter; each enables checks of the conformance kit.
package struct Guarantees: OptionSet, Sendable, CustomStringConvertible {
    /// One bit for each guarantee.
    package let rawValue: Int

    /// Makes a set from its bits; see ``rawValue``.
    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Events arrive in the order in which they were sent.
    package static let ordered = Guarantees(rawValue: 1 << 0)
    /// Unacknowledged or unconfirmed events are delivered again.
    package static let atLeastOnce = Guarantees(rawValue: 1 << 1)
    /// Headers, user properties or fields travel beside the body.
    package static let keepsHeaders = Guarantees(rawValue: 1 << 2)
    /// Sources: messages sent while the connection is lost arrive after the reconnect.
    package static let resumesAfterReconnect = Guarantees(rawValue: 1 << 3)
    /// Sources: the peer keeps messages while the source is paused, and none is lost.
    package static let pushesBack = Guarantees(rawValue: 1 << 4)
    /// Bodies of arbitrary bytes arrive unchanged.
    package static let binarySafe = Guarantees(rawValue: 1 << 5)
    /// The component has its own connection; when that is lost, `run` throws an error about it.
    package static let connects = Guarantees(rawValue: 1 << 6)
    /// A known loss of events becomes a gap event.
    package static let reportsGaps = Guarantees(rawValue: 1 << 7)

    private static let names: [(Guarantees, String)] = [
        (.ordered, "ordered"), (.atLeastOnce, "at least once"), (.keepsHeaders, "keeps headers"),
        (.resumesAfterReconnect, "resumes"), (.pushesBack, "pushes back"), (.binarySafe, "binary safe"),
        (.connects, "connects"), (.reportsGaps, "reports gaps"),
    ]

    /// The names of the guarantees, separated by commas.
    package var description: String {
        Self.names.filter { self.contains($0.0) }.map(\.1).joined(separator: ", ")
    }
}
