import BridgeTesting

/// What happens in a round, drawn from its seed: the messages, how they are published, and the faults with their moments.
struct FaultPlan: Sendable {
    /// A fault and the counted point at which it happens.
    struct Step: Sendable, CustomStringConvertible {
        /// What is counted.
        enum Moment: Sendable {
            case published(Int)
            case received(Int)
        }

        let fault: Fault
        let moment: Moment
        /// Of faults that last: how many further messages arrive until it ends, unless its time is over before.
        let length: Int
        /// Of faults that last.
        let limit: Duration

        var description: String {
            switch self.moment {
            case .published(let count): "\(self.fault) at \(count) published"
            case .received(let count): "\(self.fault) at \(count) received"
            }
        }
    }

    let messages: [NumberedMessage]
    /// How many messages are published at once, in turn.
    let batches: [Int]
    /// How far the publisher goes ahead of the reader.
    let lead: Int
    let steps: [Step]

    /// - Parameter faults: the kinds that this round may meet.
    init(seed: UInt64, faults: [Fault]) {
        var generator = SeededGenerator(seed: seed)
        let keys = Int.random(in: 3...6, using: &generator)
        let count = Int.random(in: 400...1000, using: &generator)
        var numbers: [Int: Int] = [:]
        self.messages = (0..<count).map { _ in
            let key = Int.random(in: 0..<keys, using: &generator)
            defer { numbers[key, default: 0] += 1 }
            return NumberedMessage(key: "key\(key)", number: numbers[key, default: 0])
        }
        self.batches = (0..<16).map { _ in Int.random(in: 1...20, using: &generator) }
        self.lead = Int.random(in: 20...300, using: &generator)
        // Each step at a later point than the one before, the last well before the end.
        let points = (0..<Int.random(in: 4...9, using: &generator))
            .map { _ in Int.random(in: 1...(count * 9 / 10), using: &generator) }.sorted()
        self.steps = points.map { point in
            Step(
                fault: faults.randomElement(using: &generator)!,
                moment: Bool.random(using: &generator) ? .published(point) : .received(point),
                length: Int.random(in: 5...150, using: &generator),
                limit: .milliseconds(Int.random(in: 100...500, using: &generator))
            )
        }
    }
}
