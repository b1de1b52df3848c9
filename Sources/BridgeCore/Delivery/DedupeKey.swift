/// A key of a route's `dedupe:`, by which events with the same key reach a sink once per window, or of its `replace_key:`,
/// by which an event supersedes those that a sink has not got yet.
package struct DedupeKey: Hashable, Sendable {
    /// Starts with the route's identity, so that keys of different routes never match.
    package let text: String
    /// How long events with the same key are suppressed after a delivery; ``superseding`` for a key of `replace_key:`.
    package let window: Duration

    /// The window of keys of `replace_key:`, which no `dedupe:` has.
    package static let superseding = Duration.milliseconds(-1)

    /// Whether a later event with the same key supersedes an earlier one.
    package var replaces: Bool { self.window == Self.superseding }

    /// - Parameter route: see ``Route/identity``.
    package init(route: String, key: String, window: Duration) {
        self.text = "\(route)\u{0}\(key)"
        self.window = window
    }

    /// - Parameter text: as stored in a log on disk.
    package init(text: String, window: Duration) {
        self.text = text
        self.window = window
    }

    /// Compares the texts; ignores the window.
    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.text == rhs.text }

    /// Hashes the text alone, as `==` compares it.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.text)
    }
}
