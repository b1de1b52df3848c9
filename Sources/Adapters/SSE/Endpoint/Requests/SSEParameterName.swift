import BridgeCore

/// The parameter names of a stream request.
enum SSEParameterName {
    /// Names that ``SSEParameters`` accepts.
    static let known: Set<String> = [
        "streams", "last_event_id", "lastEventID", "lastEventId", "since", "priority", "tags", "subject", "source", "when",
        "poll", "format", "fields",
        "limit", "timeout", "padding", "stream", "after",
    ]

    /// Names that an unknown one is compared with, in this order.
    private static let meant = [
        "when", "tags", "priority", "subject", "source", "since", "format", "fields", "streams", "last_event_id", "poll", "limit",
        "timeout",
        "padding", "access_token",
    ].map { (name: $0, plain: Self.plain($0)) }
    /// Parameters that are often abbreviated.
    private static let shortened: Set<String> = ["priority", "subject", "source", "since", "format", "streams"]
    private static let shortest = 4
    /// In bytes; longer names are not compared.
    private static let longest = 32

    /// The parameter that an unknown name may mean; `nil` for those that pages add automatically, such as the cache
    /// buster `_`.
    ///
    /// `Last-Event-Id`, `lasteventid`, `tags[]`, `whenn`, `fromat` and `form` have a match; `from`, `resource`, `t` and `user` do not.
    static func meant(by name: String) -> String? {
        guard !self.known.contains(name), name != "access_token", name.utf8.count <= Self.longest else { return nil }
        let plain = Self.plain(name)
        guard plain.utf8.count > 2 else { return nil }
        return Self.meant.first { other in
            if plain == other.plain { return true }
            if Self.shortened.contains(other.name), plain.utf8.count >= Self.shortest, other.plain.hasPrefix(plain) {
                return true
            }
            let allowed = min(plain.utf8.count, other.plain.utf8.count) < 8 ? 1 : 2
            guard abs(plain.utf8.count - other.plain.utf8.count) <= allowed else { return false }
            // Words of four letters that differ in one, such as `tabs` and `tags`, are often two words.
            if plain.utf8.count == Self.shortest, other.plain.utf8.count == Self.shortest, plain.sorted() != other.plain.sorted()
            {
                return false
            }
            return NameDistance.between(plain, other.plain) <= allowed
        }?.name
    }

    /// The name in lower case, without word separators and the brackets that some libraries append to lists.
    private static func plain(_ name: String) -> String {
        name.prefix { $0 != "[" }.lowercased().filter { $0 != "_" && $0 != "-" && $0 != "." }
    }
}
