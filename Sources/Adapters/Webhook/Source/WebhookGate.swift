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
    var isPaused: Bool { self.paused.load(ordering: .sequentiallyConsistent) }

    /// Takes over whether the outlet pauses.
    ///
    /// Looks again after it has closed: whoever ended the pause in between found nothing to open, and would not be told again.
    func follow(_ outlet: SourceOutlet) {
        self.paused.store(outlet.demand == .pause, ordering: .sequentiallyConsistent)
        if self.isPaused, outlet.demand == .more { self.paused.store(false, ordering: .sequentiallyConsistent) }
    }

    /// How many requests wait for their events to be safe.
    var waitingRequests: Int { self.waiting.load(ordering: .sequentiallyConsistent) }

    func addWaiting(_ count: Int) {
        self.waiting.wrappingAdd(count, ordering: .sequentiallyConsistent)
    }
}
