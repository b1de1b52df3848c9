/// The variables that an event gives a value.
struct JQVariables: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let source = JQVariables(rawValue: 1)
    static let subject = JQVariables(rawValue: 2)
    static let segments = JQVariables(rawValue: 4)
    static let attributes = JQVariables(rawValue: 8)
    static let raw = JQVariables(rawValue: 16)
    static let now = JQVariables(rawValue: 32)

    /// In the order of the input array after the event itself.
    static let names: [(name: String, variable: JQVariables)] = [
        ("source", .source), ("subject", .subject), ("segments", .segments), ("attributes", .attributes), ("raw", .raw),
        ("now", .now),
    ]

    /// The variables whose names a text contains.
    init(mentionedIn text: String) {
        self = Self.names.reduce(into: []) { result, entry in
            if text.contains(entry.name) { result.insert(entry.variable) }
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }
}
