/// A period without a connection, in which a source may have missed events.
package struct OfflinePeriod: Sendable, Equatable {
    /// When the source was last known to be connected, by the wall clock.
    package let from: Timestamp
    /// When the source connected again, by the wall clock; never before ``from``.
    package let to: Timestamp
    /// Whether the program started within the period.
    package let isAcrossRestart: Bool

    /// Makes a period, by default one within a single run of the program.
    package init(from: Timestamp, to: Timestamp, isAcrossRestart: Bool = false) {
        self.from = from
        self.to = to
        self.isAcrossRestart = isAcrossRestart
    }

    /// The start of a gap's reason, such as `the connection to redis://… was lost for 3 s`.
    ///
    /// - Parameter peer: the peer's name for logs and messages, without secrets.
    package func reason(for peer: String) -> String {
        self.isAcrossRestart
            ? "streambridge was not connected to \(peer) for \(self.length) (from \(self.from) to \(self.to)), across a restart"
            : "the connection to \(peer) was lost for \(self.length)"
    }

    /// The length in seconds, to the millisecond, such as `0.109 s`.
    private var length: String {
        let (seconds, milliseconds) = (self.to.milliseconds - self.from.milliseconds).quotientAndRemainder(dividingBy: 1000)
        guard milliseconds > 0 else { return seconds == 0 ? "less than 0.001 s" : "\(seconds) s" }
        var decimals = Substring(String(1000 + milliseconds)).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        return "\(seconds).\(decimals) s"
    }
}
