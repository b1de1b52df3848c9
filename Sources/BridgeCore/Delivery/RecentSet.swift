/// The latest of many elements: a set that forgets the oldest when it is full.
struct RecentSet<Element: Hashable> {
    private let capacity: Int
    private var known: Set<Element> = []
    private var order: [Element] = []
    private var oldest = 0

    /// - Parameters:
    ///   - capacity: how many are remembered, 1 or more.
    ///   - elements: the first ones, in order.
    init(capacity: Int, _ elements: [Element] = []) {
        self.capacity = capacity
        for element in elements { _ = self.insert(element) }
    }

    func contains(_ element: Element) -> Bool { self.known.contains(element) }

    /// - Returns: false when it is among the latest already.
    mutating func insert(_ element: Element) -> Bool {
        guard self.known.insert(element).inserted else { return false }
        if self.order.count < self.capacity {
            self.order.append(element)
        } else {
            self.known.remove(self.order[self.oldest])
            self.order[self.oldest] = element
            self.oldest = (self.oldest + 1) % self.capacity
        }
        return true
    }
}
