package import Testing

/// The kernel resources that this process holds at one moment.
package struct ProcessUsage: Sendable {
    /// The number of open file descriptors, from `/proc/self/fd`.
    package let descriptors: Int
    /// The number of threads, from `/proc/self/task`.
    package let threads: Int

    /// Counts the resources now.
    package static var now: ProcessUsage {
        ProcessUsage(
            descriptors: TemporaryDirectory.names(in: "/proc/self/fd").count,
            threads: TemporaryDirectory.names(in: "/proc/self/task").count
        )
    }

    /// Runs `cycle` repeatedly and expects that it leaks neither descriptors nor threads.
    ///
    /// The first round creates what is kept, such as thread pools, and does not count. Other tests of the process may
    /// open and close descriptors meanwhile; a leak in every round is detected all the same.
    ///
    /// - Parameter rounds: the counted repetitions; growth of this many descriptors or threads is a failure.
    package static func expectNoGrowth(
        rounds: Int = 12, sourceLocation: SourceLocation = #_sourceLocation, _ cycle: () async throws -> Void
    ) async throws {
        try await cycle()
        let before = self.now
        for _ in 0..<rounds { try await cycle() }
        var after = self.now
        try await eventually(
            within: .seconds(10), "after \(rounds) rounds there are no more than \(before), but \(after)",
            sourceLocation: sourceLocation
        ) {
            after = self.now
            return after.descriptors < before.descriptors + rounds && after.threads < before.threads + rounds
        }
    }
}
