/// Runs two operations as child tasks until the first one ends, cancels the other and awaits it.
///
/// - Returns: the result of the first one to end.
/// - Throws: the error of the first one to end.
@discardableResult
package func race<Value: Sendable>(
    _ one: @escaping @Sendable () async throws -> Value, _ other: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await one() }
        group.addTask { try await other() }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { preconditionFailure("a race has two operations") }
        return first
    }
}
