import BridgeCore

/// The places that sources read, by name where they have one.
struct PlaceIndex {
    private struct Key: Hashable {
        let kind: String
        let server: String
        /// `nil` for the patterns of the server.
        let name: String?
    }

    private var places: [Key: [(source: Int, place: ReadPlace)]] = [:]

    /// - Parameter sources: the places of each source.
    init(_ sources: [[ReadPlace]]) {
        for (source, places) in sources.enumerated() {
            for place in places {
                let name: String? = if case .one(let name) = place.names { name } else { nil }
                self.places[Key(kind: place.kind, server: place.server, name: name), default: []].append((source, place))
            }
        }
    }

    /// The sources that read a place, in their order, each with the reason why events come back to it without marks.
    func readers(of written: WrittenPlace) -> [(source: Int, loss: SettingError?)] {
        var readers: [Int: SettingError?] = [:]
        for name in [written.name, nil] {
            for (source, place) in self.places[Key(kind: written.kind, server: written.server, name: name)] ?? []
            where readers[source] == nil && written.isRead(at: place) {
                readers.updateValue(written.circle(through: place), forKey: source)
            }
        }
        return readers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
