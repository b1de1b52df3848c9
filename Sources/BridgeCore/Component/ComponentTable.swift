/// One element for each sink, source or route of a bridge, accessed by its index type only; grows with a reload.
struct ComponentTable<Index: ComponentIndex, Element> {
    private(set) var elements: [Element]

    init(_ elements: [Element]) {
        self.elements = elements
    }

    var count: Int { self.elements.count }

    /// All indices, in order.
    var indices: some Sequence<Index> { self.elements.indices.lazy.map { Index($0) } }

    subscript(index: Index) -> Element {
        // In place: reading one part of an element does not copy the others.
        _read { yield self.elements[index.rawValue] }
        _modify { yield &self.elements[index.rawValue] }
    }

    /// Adds an element for the next index.
    mutating func append(_ element: Element) { self.elements.append(element) }

    func contains(_ index: Index) -> Bool { self.elements.indices.contains(index.rawValue) }
}

extension ComponentTable: Sendable where Element: Sendable {}
