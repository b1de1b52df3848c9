/// One entry of `routes:`: which events it takes, how it shapes them, and to which sinks they go.
package struct Route: Sendable {
    /// The route's configured name; `route-N`, by its position in the list, when it has none.
    package let name: String
    /// A hash of the content of a route without a configured name, whose `route-N` changes when routes are added or
    /// removed; `nil` for a configured name.
    package let fingerprint: UInt64?
    /// The identity of the route across restarts: its configured name, or the fingerprint of its content.
    package let identity: String
    /// The names of the sources that match; `nil` for every source.
    package var sources: Set<String>?
    /// `match:`, the declarative filter; `nil` matches everything.
    package var match: Matcher?
    /// `when:`, an expression that must be true as well.
    package var when: (any Expression)?
    /// `set:`, the changes to the event.
    package var shaping: Shaping?
    /// `dedupe:`, which events are duplicates; `nil` lets every event through.
    package var dedupe: Dedupe?
    /// The tools that decide by what came before; `nil` for a route without.
    package var tools: RouteTools?
    /// `to:`, in the order of the file.
    package var targets: [Target]
    /// `stop:`, whether later routes skip an event that this one matched.
    package var stop: Bool
    /// `on_error:`, what happens to an event for which `when:` or `set:` fails.
    package var onError: OnError

    /// What happens to an event for which an expression of a route fails.
    package enum OnError: String, Sendable, CaseIterable {
        /// It becomes a dead letter.
        case deadLetter = "dead_letter"
        /// The route skips it.
        case ignore
    }

    /// Makes a route; by default it matches every event.
    package init(
        name: String, fingerprint: UInt64? = nil, sources: Set<String>? = nil, match: Matcher? = nil,
        when: (any Expression)? = nil,
        shaping: Shaping? = nil, dedupe: Dedupe? = nil, tools: RouteTools? = nil, targets: [Target], stop: Bool = false,
        onError: OnError = .deadLetter
    ) {
        self.name = name
        self.fingerprint = fingerprint
        self.identity = fingerprint.map { "#\($0.hexadecimal)" } ?? name
        self.sources = sources
        self.match = match
        self.when = when
        self.shaping = shaping
        self.dedupe = dedupe
        self.tools = tools.flatMap { $0.isEmpty ? nil : $0 }
        self.targets = targets
        self.stop = stop
        self.onError = onError
    }

    /// `dedupe:` of a route, or its `replace_key:`.
    package struct Dedupe: Sendable {
        /// Events with the same key are the same.
        package var key: Template
        /// How long duplicates are suppressed after a delivery; ``DedupeKey/superseding`` for `replace_key:`.
        package var window: Duration

        /// Makes the settings of `dedupe:`.
        package init(key: Template, window: Duration) {
            self.key = key
            self.window = window
        }

        /// `replace_key:`: a later event with the same key supersedes an undelivered one.
        package static func replacing(_ key: Template) -> Self { Self(key: key, window: DedupeKey.superseding) }

        /// Whether it is `replace_key:`.
        package var replaces: Bool { self.window == DedupeKey.superseding }

        /// The key of the event that the reader holds.
        ///
        /// - Returns: `nil` when a part of the key is missing or empty: such events are not duplicates of each other.
        /// - Throws: ``ExpressionError``.
        func key(of reader: EventReader) throws -> String? {
            try self.key.renderKey(reader)
        }
    }

    /// One sink of a route.
    package struct Target: Sendable, Hashable {
        /// The sink's index.
        package var sink: SinkIndex
        /// See ``Delivery/variant``.
        package var variant: Int
        /// A hash of the `with:` that chose the variant; 0 without one.
        package var settings: UInt64

        /// Makes a target; by default with the sink's own settings.
        package init(sink: SinkIndex, variant: Int = 0, settings: UInt64 = 0) {
            self.sink = sink
            self.variant = variant
            self.settings = settings
        }
    }
}
