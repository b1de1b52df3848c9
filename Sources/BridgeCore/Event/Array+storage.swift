extension Array {
    /// Whether both are one array in memory, which implies that they are equal; O(1).
    package func sharesStorage(with other: Self) -> Bool {
        self.withUnsafeBufferPointer { own in
            other.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
        }
    }
}
