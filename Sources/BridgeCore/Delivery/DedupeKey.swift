/// What `dedupe:` of a route goes by: events of the same key reach a sink once in a window of time.
package struct DedupeKey: Hashable, Sendable {
    /// Begins with what the route is known by, because keys of different routes have nothing to do with each other.
    package let text: String
    /// How long events of the same key are held off once one has been delivered.
    package let window: Duration

    /// - Parameter route: see ``Route/identity``.
    package init(route: String, key: String, window: Duration) {
        self.text = "\(route)\u{0}\(key)"
        self.window = window
    }

    /// - Parameter text: as a log on disk has kept it.
    package init(text: String, window: Duration) {
        self.text = text
        self.window = window
    }

    /// Compares the texts alone; the window does not count.
    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.text == rhs.text }

    /// Hashes the text alone, as `==` compares it.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.text)
    }
}
