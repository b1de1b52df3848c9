import Synchronization

/// Finds the message on which a peer closes the connection, so that it does not block everything behind it.
///
/// A connection that is lost right after messages were sent may have been lost because of one of them. The third such
/// loss in a row on the same message is attributed to it. With several messages in flight, the oldest is the suspect.
/// From its second loss on they are sent one at a time, so that the right one is found.
///
/// Outlives the connections of its sink. Thread-safe behind its lock.
package final class PoisonMessageDetector: Sendable {
    /// A loss that comes later has another cause.
    private static let moment = Duration.seconds(2)
    /// How many losses in a row are attributed to the network.
    private static let patience = 2

    private struct State {
        /// The number of connections in a row that were lost on each message.
        var losses: [Suspect: Int] = [:]
        /// The number of messages that are still sent one at a time.
        var cautious = 0
    }

    /// A delivery, regardless of its attempts.
    private struct Suspect: Hashable {
        let position: Position
        let route: String
        let variant: Int
        let event: String

        init(_ delivery: Delivery) {
            self.position = delivery.position
            self.route = delivery.route
            self.variant = delivery.variant
            self.event = delivery.event.id
        }
    }

    private let state = Mutex(State())

    /// Makes a detector that has seen no loss.
    package init() {}

    // MARK: Many messages on one connection

    /// How many messages may be in flight on one connection.
    package func window(atMost limit: Int) -> Int {
        self.state.withLock { $0.cautious > 0 ? 1 : limit }
    }

    /// The peer has accepted messages on the connection.
    package func settled(_ count: Int) {
        self.state.withLock { $0.cautious = max(0, $0.cautious - count) }
    }

    /// The connection was lost.
    ///
    /// - Parameters:
    ///   - oldest: what was in flight longest, and since when.
    ///   - count: how many were in flight.
    /// - Returns: whether it was lost because of the oldest.
    package func lost(_ oldest: (delivery: Delivery, since: ContinuousClock.Instant)?, of count: Int) -> Bool {
        self.state.withLock { state in
            guard let oldest, .now - oldest.since < Self.moment else {
                state.losses = [:]
                return false
            }
            let suspect = Suspect(oldest.delivery)
            let losses = (state.losses[suspect] ?? 0) + 1
            // An older one has been accepted since its loss.
            state.losses = [suspect: losses]
            if losses >= Self.patience { state.cautious = max(state.cautious, count) }
            return losses > Self.patience
        }
    }

    // MARK: A request and an answer for each message

    /// The connection was lost on which this message alone was sent.
    ///
    /// - Returns: whether it was lost because of the message.
    package func lost(alone delivery: Delivery) -> Bool {
        self.state.withLock { state in
            let losses = min((state.losses[Suspect(delivery)] ?? 0) + 1, Self.patience + 1)
            state.losses[Suspect(delivery)] = losses
            return losses > Self.patience
        }
    }

    /// The peer has answered this message, or it is abandoned; for messages of ``lost(alone:)``.
    package func answered(_ delivery: Delivery) {
        self.state.withLock { state in
            if !state.losses.isEmpty { state.losses[Suspect(delivery)] = nil }
        }
    }
}
