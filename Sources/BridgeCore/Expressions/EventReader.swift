import JSON

/// Reads one event after another for matchers and templates, parsing JSON only when something looks at it.
///
/// Not thread-safe: one per thread or lock. Keeps its buffers from event to event.
package final class EventReader {
    package private(set) var event: Event?

    package init() {}

    /// Makes `event` the one that is read.
    package func load(_ event: Event, now: Timestamp? = nil) {
        self.event = event
    }

    /// The value at a path as text; missing values are empty.
    package func text(at path: EventPath) -> String {
        fatalError()
    }

    /// What an expression sees of the event.
    package var expressionInput: ExpressionInput {
        fatalError()
    }
}
