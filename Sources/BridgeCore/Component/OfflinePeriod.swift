import NIOCore

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
        let seconds = max(1, (self.to.milliseconds - self.from.milliseconds) / 1000)
        return self.isAcrossRestart
            ? "streambridge was not connected to \(peer) for \(seconds) s (from \(self.from) to \(self.to)), across a restart"
            : "the connection to \(peer) was lost for \(seconds) s"
    }

    /// The payload of the gap event: an object with `from` and `to` (RFC 3339 §5.6).
    var payload: ByteBuffer { ByteBuffer(string: "{\"from\":\"\(self.from)\",\"to\":\"\(self.to)\"}") }
}
