/// State by key, of at most ``limit`` keys; those that were not used for longest are forgotten.
struct KeyTable<Value: Sendable>: Sendable {
    /// How many keys a tool of a route remembers.
    static var limit: Int { 10_000 }

    private var entries: [ExactText: (value: Value, used: UInt64)] = [:]
    private var uses: UInt64 = 0

    var count: Int { self.entries.count }

    /// All keys, unordered.
    var keys: [String] { self.entries.keys.map { String($0.text) } }

    subscript(key: String) -> Value? { self.entries[ExactText(key)]?.value }

    /// Sets the state of a key.
    ///
    /// - Returns: the keys that were forgotten for it: none, or an eighth of all at once.
    mutating func set(_ key: String, _ value: Value) -> [String] {
        self.uses += 1
        self.entries[ExactText(key)] = (value, self.uses)
        guard self.entries.count > Self.limit else { return [] }
        let oldest = self.entries.map { (key: $0.key, used: $0.value.used) }.sorted { $0.used < $1.used }.prefix(Self.limit / 8)
        for (key, _) in oldest { self.entries[key] = nil }
        return oldest.map { String($0.key.text) }
    }
}
