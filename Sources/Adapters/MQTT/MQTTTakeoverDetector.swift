import Logging
import Mosquitto
import Synchronization

/// Detects a broker that keeps closing new connections.
///
/// This happens when two programs share a client id and take over each other's session (MQTT 5 §3.1.4, MQTT 3.1.1
/// §3.1.4). An MQTT 5 broker may report it (reason code 0x8E), but many do not, and MQTT 3.1.1 cannot. Outlives the
/// connections of its component. Thread-safe; used only by the session's thread.
final class MQTTTakeoverDetector: Sendable {
    /// A connection that lasted longer was closed for another reason.
    static let moment = Duration.seconds(30)
    /// How many short connections in a row cause the one report.
    static let patience = 3

    private let count = Mutex(0)

    /// Records that a connection has ended unexpectedly, and reports once that another program may use the same client id.
    ///
    /// - Parameter isExplained: whether the owner knows another reason for the end.
    func ended(_ connection: MosquittoConnection, isExplained: Bool = false, logger: Logger) {
        let isUnexplained = !isExplained && connection.isClosedByPeer && connection.disconnectReason == nil
        guard self.ended(after: .now - connection.opened, isUnexplained: isUnexplained) else { return }
        logger.warning(
            "Broker keeps closing new connections",
            metadata: [
                "peer": "\(connection.peer)", "client_id": "\(connection.clientID)", "count": "\(Self.patience)",
                "reason":
                    "another program may use client id '\(connection.clientID)'; give each program its own client_id",
            ]
        )
    }

    /// Records that an accepted connection has ended unexpectedly.
    ///
    /// - Parameters:
    ///   - age: how long it lasted.
    ///   - isUnexplained: whether the broker closed it without a reason.
    /// - Returns: true once for each series of connections that the broker has closed within ``moment``. A connection
    ///   that lasts longer, or ends with an explanation, ends the series; an attempt that the broker does not accept
    ///   does not count.
    func ended(after age: Duration, isUnexplained: Bool) -> Bool {
        self.count.withLock { count in
            guard age <= Self.moment, isUnexplained else {
                count = 0
                return false
            }
            guard count < Self.patience else { return false }
            count += 1
            return count == Self.patience
        }
    }
}
