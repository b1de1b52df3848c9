/// What a source sends into: normalises, routes and appends a batch, and tells the source what is safe and when to pause.
///
/// One per source. Every call may come from any thread; none of the synchronous ones waits for a sink. A source that holds its own
/// thread or event loop polls ``safe``, ``demand`` and ``isStopping`` and asks with ``onChange(_:)`` to be woken; one that is an async
/// function awaits ``untilSafe(_:)`` and ``untilDemand()``.
package final class SourceOutlet: Sendable {
    /// What `send` answers.
    package struct Receipt: Sendable {
        /// Whether the source may go on reading.
        package let demand: Demand
        /// The place of the batch's last event. When ``SourceOutlet/safe`` has reached it, all the batch is safe.
        package let position: Position
    }

    /// Whether a source may read on.
    package enum Demand: Sendable {
        case more
        /// Stop reading now; what was read already may still be sent and is not refused.
        case pause
    }

    /// How `ack:` in the file defines "safe".
    package let acknowledge: AcknowledgePolicy

    init(acknowledge: AcknowledgePolicy) {
        self.acknowledge = acknowledge
    }

    /// The source is connected and reads: readiness, metrics and the back-off want to know. Call it on each `run`.
    package func connected() {
        fatalError()
    }

    /// Normalises, routes and appends a batch, in order. Synchronous; never fails and never refuses: what cannot be read becomes an
    /// event that says so. An empty batch changes nothing and answers the position of the last event.
    package func send(_ messages: consuming [ReceivedMessage]) -> Receipt {
        fatalError()
    }

    /// Tells of a loss that the source knows of: counted, logged, and carried as a gap event to every route of the source.
    ///
    /// - Parameters:
    ///   - reason: one sentence without a final stop, such as `the connection to redis://… was lost for 3 s`.
    ///   - subject: what may have been lost, such as the channel; empty when it is everything.
    @discardableResult
    package func gap(_ reason: String, subject: String = "") -> Receipt {
        fatalError()
    }

    /// Everything this source has sent up to here is safe by its ``acknowledge`` policy. Never moves back.
    package var safe: Position {
        fatalError()
    }

    /// Whether the source may read now.
    package var demand: Demand {
        fatalError()
    }

    /// True once the source shall end: read no more, wait for what is sent, acknowledge, return from `run`.
    package var isStopping: Bool {
        fatalError()
    }

    /// Has `notify` called, from any thread, whenever ``safe``, ``demand`` or ``isStopping`` changed; at most one observer, the last
    /// one set. It must not block and must not call the outlet: wake a thread, schedule a task. `nil` removes it.
    package func onChange(_ notify: (@Sendable () -> Void)?) {
        fatalError()
    }

    /// Waits until ``safe`` has reached a position.
    ///
    /// - Throws: `CancellationError`. Stopping does not end the wait.
    package func untilSafe(_ position: Position) async throws {
        fatalError()
    }

    /// Waits until ``demand`` is `more` or the source is stopping.
    package func untilDemand() async throws {
        fatalError()
    }

    /// Waits until ``isStopping``.
    package func untilStopping() async throws {
        fatalError()
    }
}

/// When a message counts as safe, so that its source may acknowledge it: `ack:` in the file.
package enum AcknowledgePolicy: String, Sendable, CaseIterable {
    /// As soon as it is in the program's memory.
    case received
    /// Once it is in the log; with a memory log that is the same as ``received``.
    case logged
    /// Once every sink that a route chose for it has confirmed it, or it is in the dead-letter sink.
    case delivered
}
