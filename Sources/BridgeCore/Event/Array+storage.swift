extension Array {
    /// Whether both arrays share their storage, which implies equality; O(1).
    package func sharesStorage(with other: Self) -> Bool {
        self.withUnsafeBufferPointer { own in
            other.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
        }
    }
}
