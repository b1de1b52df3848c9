import BridgeCore

/// The content and form that a subscriber selects; subscribers with the same selection share a view.
///
/// Compares names and filters by their bytes. The hash is computed once, because selections are found under the hub's
/// lock.
struct SSESelection: Hashable, Sendable {
    /// The numbers of the streams that can have events of these names.
    let streams: [Int]
    /// Names, and MQTT filters over names, without duplicates, sorted.
    let names: [SubjectPattern]
    let filter: SSEFilter
    /// Members that the client adds to the event's JSON.
    let fields: SSEFields
    let format: SSEFormat
    let coding: SSECoding
    private let nameSet: SubjectSet
    private let digest: Int

    init(
        streams: [Int], names: [SubjectPattern], filter: SSEFilter, fields: SSEFields = [], format: SSEFormat, coding: SSECoding
    ) {
        self.streams = streams.sorted()
        self.names = Set(names).sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        self.nameSet = SubjectSet(self.names)
        self.filter = filter
        self.fields = fields
        self.format = format
        self.coding = coding
        var hasher = Hasher()
        hasher.combine(self.streams)
        hasher.combine(self.names)
        hasher.combine(filter)
        hasher.combine(fields)
        hasher.combine(format)
        hasher.combine(coding)
        self.digest = hasher.finalize()
    }

    static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.digest == rhs.digest && lhs.streams == rhs.streams && lhs.names == rhs.names && lhs.filter == rhs.filter
            && lhs.fields == rhs.fields && lhs.format == rhs.format && lhs.coding == rhs.coding
    }

    func hash(into hasher: inout Hasher) { hasher.combine(self.digest) }

    func takes(name: String) -> Bool {
        self.nameSet.contains(name)
    }
}
