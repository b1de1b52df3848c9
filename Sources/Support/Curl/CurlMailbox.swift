import CCurl
import Synchronization

/// What other threads ask of the curl thread.
///
/// Behind its lock.
final class CurlMailbox: Sendable {
    enum Command: Sendable {
        case start(UInt64, CurlRequest, @Sendable () -> any CurlReceiver)
        case wake(UInt64)
        case cancel(UInt64)
    }

    private struct State {
        var phase = Phase.idle
        var commands: [Command] = []
        var lastID: UInt64 = 0
    }

    private enum Phase {
        /// No thread yet.
        case idle
        /// The thread is made and has not opened its handle.
        case starting
        /// The address of the multi handle, of which only `curl_multi_wakeup` is called here: the one function that any thread may call.
        case running(UInt)
        case ended
    }

    private let state = Mutex(State())

    /// A number for the next transfer.
    func nextID() -> UInt64 {
        self.state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// Leaves a command and wakes the thread.
    ///
    /// - Returns: true when there is no thread yet and the caller shall start it.
    @discardableResult
    func post(_ command: Command) -> Bool {
        self.state.withLock { state in
            switch state.phase {
            case .idle:
                guard case .start = command else { return false }
                state.commands.append(command)
                state.phase = .starting
                return true
            case .starting:
                state.commands.append(command)
            case .running(let address):
                state.commands.append(command)
                // Later commands of the same turn ride on the first one's call.
                if state.commands.count == 1 { Self.wake(address) }
            case .ended:
                break
            }
            return false
        }
    }

    /// The thread runs and can be woken.
    func opened(_ multi: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: multi)
        self.state.withLock { state in
            if case .starting = state.phase { state.phase = .running(address) }
        }
    }

    /// What was left since the last call, in order; `nil` once the thread shall end.
    func take() -> [Command]? {
        self.state.withLock { state in
            if case .ended = state.phase { return nil }
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    /// The thread could not be made: the next start tries again.
    ///
    /// - Returns: what was left for it.
    func startFailed() -> [Command] {
        self.state.withLock { state in
            state.phase = .idle
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    /// Has the thread end, which then looks at what ``takeRest()`` gives.
    func end() {
        self.state.withLock { state in
            if case .running(let address) = state.phase { Self.wake(address) }
            state.phase = .ended
        }
    }

    /// What was left when the mailbox ended.
    func takeRest() -> [Command] {
        self.state.withLock { state in
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    private static func wake(_ address: UInt) {
        curl_multi_wakeup(UnsafeMutableRawPointer(bitPattern: address))
    }
}
