package import BridgeCore

/// The settings that routes have chosen of one sink, in an order that stays while the program runs.
///
/// Pending deliveries refer to the settings by index. A reload therefore adds new ones at the end and removes none; those that no file has any
/// more are bounded.
package struct SinkVariants: Sendable, Equatable {
    /// One `with:`: the hash of its content, and how many equal ones come before it.
    private struct Choice: Hashable, Sendable {
        let hash: UInt64
        let ordinal: Int
    }

    /// The limit on settings that earlier files had and the last one does not.
    package static let mostFormer = 1000

    /// Why settings cannot be added; one sentence.
    package struct Refusal: Error, CustomStringConvertible {
        let sink: String

        /// The setting, the reason and the remedy.
        package var description: String {
            "sinks.\(self.sink): routes have had more than \(SinkVariants.mostFormer) other settings in 'with' since the program started, "
                + "which pending events may need; restart it for this change"
        }
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
    /// - Throws: ``Refusal`` where more than ``mostFormer`` settings would be those of earlier files; nothing has changed then.
    package mutating func add(
        _ sink: PreparedSink
    ) throws(Refusal) -> (indices: [Int], settings: [any ComponentConfiguration], wereCurrent: Bool) {
        let own = Self.choices(of: sink)
        var choices = self.choices
        var known = Dictionary(uniqueKeysWithValues: choices.enumerated().map { ($0.element, $0.offset) })
        let indices = own.map { choice -> Int in
            if let index = known[choice] { return index }
            choices.append(choice)
            known[choice] = choices.count - 1
            return choices.count - 1
        }
        let current = Set(indices)
        guard choices.count - current.count <= Self.mostFormer else { throw Refusal(sink: sink.name) }
        var settings = Array(repeating: sink.variants[0], count: choices.count)
        for (place, index) in indices.enumerated() { settings[index] = sink.variants[place] }
        defer { (self.choices, self.current) = (choices, current) }
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
