import BridgeCore

/// What a subscriber asks for, and how: subscribers with the same selection share a view.
struct SSESelection: Hashable, Sendable {
    /// The numbers of the streams that can have events of these names.
    let streams: [Int]
    /// Names, and MQTT filters over names, without repeats, sorted.
    let names: [SubjectPattern]
    let filter: SSEFilter
    let format: SSEFormat
    let coding: SSECoding

    init(streams: [Int], names: [SubjectPattern], filter: SSEFilter, format: SSEFormat, coding: SSECoding) {
        self.streams = streams.sorted()
        self.names = Set(names).sorted { $0.text < $1.text }
        self.filter = filter
        self.format = format
        self.coding = coding
    }

    func takes(name: String) -> Bool {
        self.names.contains { $0.matches(name) }
    }
}
