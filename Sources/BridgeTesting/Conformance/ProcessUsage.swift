package import Testing

/// What this process holds of the kernel now.
package struct ProcessUsage: Sendable {
    package let descriptors: Int
    package let threads: Int

    /// Counts.
    package static var now: ProcessUsage {
        ProcessUsage(
            descriptors: TemporaryDirectory.names(in: "/proc/self/fd").count,
            threads: TemporaryDirectory.names(in: "/proc/self/task").count
        )
    }

    /// Does something many times and expects that it leaves neither descriptors nor threads behind.
    ///
    /// What is made once and kept (thread pools) is made in the first round, which does not count. Other tests of the process may open and
    /// close things meanwhile; a leak in every round shows all the same.
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
