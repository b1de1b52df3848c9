import BridgeCore
import Synchronization

/// The reasons why the channels of one connection attempt have ended.
///
/// Thread-safe.
final class RedisDisconnections: Sendable {
    private let errors = Mutex<[ObjectIdentifier: ComponentError]>([:])

    /// Records why a channel ended.
    func note(_ error: ComponentError, of channel: ObjectIdentifier) {
        self.errors.withLock { $0[channel] = error }
    }

    /// Why a channel has ended; `nil` if it has not.
    func error(of channel: ObjectIdentifier) -> ComponentError? {
        self.errors.withLock { $0[channel] }
    }
}
