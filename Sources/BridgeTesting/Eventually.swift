package import Testing

/// Polls a condition until it holds; records an issue and ends the test at the limit.
///
/// First every 5 ms, then, to leave the processors to what is waited for, every 25 ms.
///
/// - Parameters:
///   - limit: generous, because a condition that holds early costs nothing.
///   - expectation: the condition in words, for the issue; evaluated at the limit.
/// - Throws: what `condition` throws, `ExpectationFailedError` at the limit.
package func eventually(
    within limit: Duration = .seconds(20), _ expectation: @autoclosure () -> String = "the condition holds",
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    while try await !condition() {
        let elapsed = clock.now - start
        guard elapsed < limit else {
            let comment = Comment(rawValue: "after \(limit) still not: \(expectation())")
            try #require(Bool(false), comment, sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: min(max(.milliseconds(5), elapsed / 20), .milliseconds(25)))
    }
}

/// Polls a condition every 5 ms until it holds or the limit passes; neither is a failure.
///
/// - Returns: whether the condition holds; false as well when the task is cancelled.
package func holds(within limit: Duration, _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        // Cancellation ends the wait.
        guard ContinuousClock.now < deadline, (try? await Task.sleep(for: .milliseconds(5))) != nil else { return false }
    }
    return true
}
