package import Testing

/// Waits until a condition holds, looking again every few milliseconds; the test ends with an issue when the limit has passed.
///
/// - Parameters:
///   - limit: generous, because it costs nothing when the condition holds early.
///   - expectation: what is waited for, as the issue shall say it.
package func eventually(
    within limit: Duration = .seconds(20), _ expectation: @autoclosure () -> String = "the condition holds",
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while try await !condition() {
        guard clock.now < deadline else {
            let comment = Comment(rawValue: "after \(limit) still not: \(expectation())")
            try #require(Bool(false), comment, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Waits until a condition holds or the limit has passed, where both are right.
///
/// - Returns: whether it holds.
package func holds(within limit: Duration, _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        // A task that is cancelled waits no longer.
        guard ContinuousClock.now < deadline, (try? await Task.sleep(for: .milliseconds(5))) != nil else { return false }
    }
    return true
}
