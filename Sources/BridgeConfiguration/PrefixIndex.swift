/// Names sorted by their bytes, to find those with a given prefix without searching all of them.
struct PrefixIndex {
    private let entries: [(name: [UInt8], value: Int)]

    /// - Parameter names: each with a value.
    init(_ names: some Sequence<(name: String, value: Int)>) {
        self.entries = names.map { (Array($0.name.utf8), $0.value) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// The values of the names that begin with a text, ascending.
    func values(beginningWith prefix: String) -> [Int] {
        let prefix = Array(prefix.utf8)
        var low = 0
        var high = self.entries.count
        while low < high {
            let middle = (low + high) / 2
            if self.entries[middle].name.lexicographicallyPrecedes(prefix) { low = middle + 1 } else { high = middle }
        }
        return self.entries[low...].prefix { $0.name.starts(with: prefix) }.map(\.value).sorted()
    }
}
