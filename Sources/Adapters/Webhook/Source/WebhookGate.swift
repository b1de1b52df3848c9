import BridgeCore
import Synchronization

/// Whether requests are taken in, and where to: what the event loops of one webhook source share.
///
/// Thread-safe.
final class WebhookGate: Sendable {
    /// Where the source stands.
    enum Phase: Sendable {
        /// `run` has not begun.
        case notYet
        /// Requests are taken in.
        case open(SourceOutlet)
        /// Nothing more is taken in; what was is still answered.
        case stopping
    }

    private let state = Mutex(Phase.notYet)
    private let paused = Atomic<Bool>(false)
    private let waiting = Atomic<Int>(0)

    var phase: Phase {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }

    /// The log must not grow now.
    var isPaused: Bool {
        get { self.paused.load(ordering: .relaxed) }
        set { self.paused.store(newValue, ordering: .relaxed) }
    }

    /// How many requests wait for their events to be safe.
    var waitingRequests: Int { self.waiting.load(ordering: .sequentiallyConsistent) }

    func addWaiting(_ count: Int) {
        self.waiting.wrappingAdd(count, ordering: .sequentiallyConsistent)
    }
}
