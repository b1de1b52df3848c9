import BridgeCore
import Synchronization

/// Finds the message on which the broker closes the connection, as brokers of MQTT 3.1.1 must when they refuse one (§3.3.5).
///
/// A connection that is lost right after messages were written may have been lost because of one of them. From the second such loss of
/// the same oldest message on, those that were under way are sent one at a time, so that only the right one can be blamed, and from the
/// third on it is. Outlives the connections of its sink. Thread-safe behind its lock; in fact the thread of the session uses it.
final class MQTTClosings: Sendable {
    /// A loss that comes later has other reasons.
    private static let moment = Duration.seconds(2)
    /// How many losses in a row are blamed on the network.
    private static let patience = 2

    private struct State {
        var suspect: Suspect?
        var losses = 0
        /// How many messages are still to be sent one at a time.
        var cautious = 0
    }

    /// A delivery, however often it is offered.
    private struct Suspect: Equatable {
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

    /// How many messages may be under way.
    func window(atMost limit: Int) -> Int {
        self.state.withLock { $0.cautious > 0 ? 1 : limit }
    }

    /// The broker has taken messages.
    func settled(_ count: Int) {
        self.state.withLock { $0.cautious = max(0, $0.cautious - count) }
    }

    /// The connection was lost.
    ///
    /// - Parameters:
    ///   - oldest: what was under way longest, and since when.
    ///   - count: how many were under way.
    /// - Returns: whether it was lost because of the oldest.
    func lost(_ oldest: (delivery: Delivery, since: ContinuousClock.Instant)?, of count: Int) -> Bool {
        self.state.withLock { state in
            guard let oldest, .now - oldest.since < Self.moment else {
                state.suspect = nil
                return false
            }
            let suspect = Suspect(oldest.delivery)
            state.losses = state.suspect == suspect ? state.losses + 1 : 1
            state.suspect = suspect
            if state.losses >= Self.patience { state.cautious = max(state.cautious, count) }
            return state.losses > Self.patience
        }
    }
}
