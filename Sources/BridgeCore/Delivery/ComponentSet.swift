/// A set of sinks, sources or routes, in order of insertion; no operation hashes.
struct ComponentSet<Index: ComponentIndex>: Sendable {
    private(set) var elements: [Index] = []
    private var isIn: ComponentTable<Index, Bool>

    /// - Parameter count: how many indices there are.
    init(count: Int) {
        self.isIn = ComponentTable(Array(repeating: false, count: count))
    }

    func contains(_ index: Index) -> Bool { self.isIn[index] }

    /// Makes room for more indices.
    mutating func grow(to count: Int) {
        while self.isIn.count < count { self.isIn.append(false) }
    }

    mutating func insert(_ index: Index) {
        guard !self.isIn[index] else { return }
        self.isIn[index] = true
        self.elements.append(index)
    }

    mutating func removeAll() {
        for index in self.elements { self.isIn[index] = false }
        self.elements.removeAll(keepingCapacity: true)
    }

    /// Removes all elements and returns them.
    mutating func takeAll() -> [Index] {
        for index in self.elements { self.isIn[index] = false }
        defer { self.elements = [] }
        return self.elements
    }
}
