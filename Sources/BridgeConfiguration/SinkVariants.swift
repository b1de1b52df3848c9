package import BridgeCore

/// The settings that routes have chosen of one sink, in an order that stays while the program runs.
///
/// Pending deliveries refer to the settings by index. A reload therefore adds new ones at the end and removes none.
package struct SinkVariants: Sendable, Equatable {
    /// One `with:`: the hash of its content, and how many equal ones come before it.
    private struct Choice: Hashable, Sendable {
        let hash: UInt64
        let ordinal: Int
    }

    private var choices: [Choice]
    /// The indices of the last file: a sink that starts has its own settings in place of the others.
    private var current: Set<Int>

    /// The settings in the order of the file.
    package init(_ sink: PreparedSink) {
        self.choices = Self.choices(of: sink)
        self.current = Set(self.choices.indices)
    }

    /// Adds the settings of another file.
    ///
    /// - Returns: by variant of the file, its index here; by index, the settings of the file, or its own settings of the sink
    ///   for those that the file no longer has; and whether the file before had all of them, so that the sink can run on.
    package mutating func add(
        _ sink: PreparedSink
    ) -> (indices: [Int], settings: [any ComponentConfiguration], wereCurrent: Bool) {
        let own = Self.choices(of: sink)
        let indices = own.map { choice -> Int in
            if let index = self.choices.firstIndex(of: choice) { return index }
            self.choices.append(choice)
            return self.choices.count - 1
        }
        let settings = self.choices.map { choice in own.firstIndex(of: choice).map { sink.variants[$0] } ?? sink.variants[0] }
        defer { self.current = Set(indices) }
        return (indices, settings, self.current.isSuperset(of: indices))
    }

    private static func choices(of sink: PreparedSink) -> [Choice] {
        var counts: [UInt64: Int] = [:]
        return sink.choices.map { hash in
            defer { counts[hash, default: 0] += 1 }
            return Choice(hash: hash, ordinal: counts[hash, default: 0])
        }
    }
}
