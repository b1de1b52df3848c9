import Synchronization

/// The commands of other threads for the curl thread.
///
/// Guarded by its lock.
final class CurlMailbox: Sendable {
    enum Command: Sendable {
        case start(UInt64, CurlRequest, @Sendable () -> any CurlReceiver)
        case wake(UInt64)
        case cancel(UInt64)
    }

    /// What happened to a command.
    enum Posted {
        case taken
        /// There is no thread yet, and the caller shall start it.
        case needsThread(CurlBell)
        /// The process lacks what a thread needs.
        case refused(CurlError)
    }

    private struct State {
        var phase = Phase.idle
        /// Made with the mailbox, or with the first transfer that finds a descriptor for it.
        var bell: CurlBell?
        var commands: [Command] = []
        var lastID: UInt64 = 0
    }

    private enum Phase {
        /// No thread yet.
        case idle
        case running
        case ended
    }

    private let state: Mutex<State>

    init() {
        // A program that is short of descriptors at its start retries with its first transfer.
        self.state = Mutex(State(bell: try? CurlBell()))
    }

    /// A number for the next transfer.
    func nextID() -> UInt64 {
        self.state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// Leaves a command and wakes the thread.
    @discardableResult
    func post(_ command: Command) -> Posted {
        self.state.withLock { state in
            switch state.phase {
            case .idle:
                guard case .start = command else { return .taken }
                do throws(CurlError) {
                    let bell = if let bell = state.bell { bell } else { try CurlBell() }
                    state.bell = bell
                    state.commands.append(command)
                    state.phase = .running
                    return .needsThread(bell)
                } catch {
                    return .refused(error)
                }
            case .running:
                state.commands.append(command)
                // Later commands of the same turn ride on the first one's call.
                if state.commands.count == 1 { state.bell?.ring() }
            case .ended:
                break
            }
            return .taken
        }
    }

    /// The commands since the last call, in order; `nil` when the thread must end.
    func take() -> [Command]? {
        self.state.withLock { state in
            if case .ended = state.phase { return nil }
            let commands = state.commands
            state.commands = []
            return commands
        }
    }

    /// The thread could not be made, or could not begin: its commands fail, and the next start retries.
    func refuseAll(_ error: CurlError) {
        let commands = self.state.withLock { state in
            if case .running = state.phase { state.phase = .idle }
            let commands = state.commands
            state.commands = []
            return commands
        }
        for case .start(_, _, let make) in commands { make().ended(.failure(error)) }
    }

    /// Ends the thread, which then processes ``takeRest()``.
    func end() {
        self.state.withLock { state in
            state.phase = .ended
            state.bell?.ring()
        }
    }

    /// The commands that were left when the mailbox ended.
    func takeRest() -> [Command] {
        self.state.withLock { state in
            let commands = state.commands
            state.commands = []
            return commands
        }
    }
}
