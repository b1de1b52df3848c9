import BridgeCore

/// The places that sources read, found by the name of a place that is written.
///
/// Compares bytes, as brokers and file systems do. The cost of a look-up depends on the name and on the matches, not on
/// the number of patterns.
struct PlaceIndex {
    private struct Server: Hashable {
        let kind: String
        let name: ExactText
    }

    /// What is read at one server: positions in ``places``.
    private struct Names {
        var single: [ExactText: [Int]] = [:]
        var patterns = SubjectTrie()
    }

    private var places: [(source: Int, place: ReadPlace)] = []
    private var names: [Server: Names] = [:]

    /// - Parameter sources: the places of each source.
    init(_ sources: [[ReadPlace]]) {
        for (source, places) in sources.enumerated() {
            for place in places {
                let server = Server(kind: place.kind, name: ExactText(place.server))
                switch place.names {
                case .one(let name):
                    self.names[server, default: Names()].single[ExactText(name), default: []].append(self.places.count)
                case .matching(let pattern):
                    self.names[server, default: Names()].patterns.insert(pattern, value: self.places.count)
                }
                self.places.append((source, place))
            }
        }
    }

    /// The sources that read an address, in order, each with the reason why events return to it without marks.
    func readers(of written: WrittenPlace) -> [(source: Int, loss: SettingError?)] {
        self.found(written).readers
    }

    /// The same, with the number of places and nodes of the index that were compared.
    func found(_ written: WrittenPlace) -> (readers: [(source: Int, loss: SettingError?)], steps: Int) {
        guard let names = self.names[Server(kind: written.kind, name: ExactText(written.server))] else { return ([], 0) }
        var patterns: [Int] = []
        let steps = names.patterns.collect(written.name, into: &patterns)
        let single = names.single[ExactText(written.name)] ?? []
        var readers: [Int: SettingError?] = [:]
        for (source, place) in (single + patterns.sorted()).lazy.map({ self.places[$0] })
        where readers[source] == nil && written.isRead(at: place) {
            readers.updateValue(written.loopWarning(through: place), forKey: source)
        }
        return (readers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, steps + single.count + patterns.count)
    }
}
