import BridgeCore
import Synchronization

/// Whether requests are taken in, and where to: what the event loops of one webhook source share.
///
/// Thread-safe.
final class WebhookGate: Sendable {
    /// The phase of the source.
    enum Phase: Sendable {
        /// `run` has not begun.
        case notYet
        /// Requests are taken in.
        case open(SourceOutlet)
        /// Accepts nothing more; accepted requests are still answered.
        case stopping
    }

    private let state = Mutex(Phase.notYet)
    private let paused = Atomic<Bool>(false)

    var phase: Phase {
        get { self.state.withLock { $0 } }
        set { self.state.withLock { $0 = newValue } }
    }

    /// The log must not grow now.
    var isPaused: Bool { self.paused.load(ordering: .sequentiallyConsistent) }

    /// Follows the demand of the outlet.
    ///
    /// Checks again after closing: a change that ended the pause in between found nothing to open, and would not be
    /// reported again.
    func follow(_ outlet: SourceOutlet) {
        self.paused.store(outlet.demand == .pause, ordering: .sequentiallyConsistent)
        if self.isPaused, outlet.demand == .more { self.paused.store(false, ordering: .sequentiallyConsistent) }
    }
}
