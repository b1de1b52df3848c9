extension Node {
    /// Keys and values in the order of the text.
    ///
    /// No two keys are equal texts.
    package struct Mapping: Sendable, RandomAccessCollection {
        package typealias Element = (key: Node, value: Node)

        private let pairs: [Element]
        /// The place of each key; empty for a small mapping, where a scan is faster.
        private let places: [String: Int]
        package let tag: String?
        package let mark: Mark?

        /// - Parameter pairs: if two keys are equal texts, ``subscript(key:)`` finds the first.
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

        package var startIndex: Int { 0 }
        package var endIndex: Int { self.pairs.count }
        package subscript(index: Int) -> Element { self.pairs[index] }

        /// The value of a key.
        package subscript(key: String) -> Node? {
            guard self.places.isEmpty else { return self.places[key].map { self.pairs[$0].value } }
            return self.pairs.first { $0.key.string == key }?.value
        }
    }
}
