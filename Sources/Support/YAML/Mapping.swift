extension Node {
    /// Keys and values in the order of the text (YAML 1.2.2 §3.2.1.1).
    ///
    /// ``Composer`` refuses equal scalar keys.
    package struct Mapping: Sendable, RandomAccessCollection {
        /// One pair; the key may be any node.
        package typealias Element = (key: Node, value: Node)

        private let pairs: [Element]
        /// The index of each key; empty for a small mapping, where a linear search is faster.
        private let places: [String: Int]
        /// The explicit tag; `nil` when there is none.
        package let tag: String?
        /// Where the mapping begins; `nil` for one that is not from a text.
        package let mark: Mark?

        /// Makes a mapping.
        ///
        /// - Parameter pairs: of equal keys, ``subscript(key:)`` finds the first.
        package init(_ pairs: [Element], tag: String? = nil, mark: Mark? = nil) {
            self.pairs = pairs
            self.tag = tag
            self.mark = mark
            var places: [String: Int] = [:]
            if pairs.count > 8 {
                places.reserveCapacity(pairs.count)
                for (place, pair) in pairs.enumerated() {
                    if let key = pair.key.string, places[key] == nil { places[key] = place }
                }
            }
            self.places = places
        }

        /// 0.
        package var startIndex: Int { 0 }
        /// The number of pairs.
        package var endIndex: Int { self.pairs.count }
        /// The pair at an index, in the order of the text; traps outside the bounds.
        package subscript(index: Int) -> Element { self.pairs[index] }

        /// The value of a scalar key; `nil` when there is none.
        package subscript(key: String) -> Node? {
            guard self.places.isEmpty else { return self.places[key].map { self.pairs[$0].value } }
            return self.pairs.first { $0.key.string == key }?.value
        }
    }
}
