/// A small set of sinks, in order of insertion.
struct SinkSet {
    private(set) var elements: [SinkIndex] = []
    private var isIn: ComponentTable<SinkIndex, Bool>

    init(count: Int) {
        self.isIn = ComponentTable(Array(repeating: false, count: count))
    }

    mutating func insert(_ sink: SinkIndex) {
        guard !self.isIn[sink] else { return }
        self.isIn[sink] = true
        self.elements.append(sink)
    }

    mutating func removeAll() {
        for sink in self.elements { self.isIn[sink] = false }
        self.elements.removeAll(keepingCapacity: true)
    }
}
