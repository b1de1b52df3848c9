import BridgeCore
import Synchronization

/// Why each of the channels of one attempt to connect has ended.
///
/// Thread-safe.
final class RedisDisconnections: Sendable {
    private let errors = Mutex<[ObjectIdentifier: ComponentError]>([:])

    /// Records why a channel ended.
    func note(_ error: ComponentError, of channel: ObjectIdentifier) {
        self.errors.withLock { $0[channel] = error }
    }

    /// Why a channel ended; `nil` while it has not.
    func error(of channel: ObjectIdentifier) -> ComponentError? {
        self.errors.withLock { $0[channel] }
    }
}
