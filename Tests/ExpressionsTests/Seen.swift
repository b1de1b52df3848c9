import Expressions
import Synchronization

/// Collects faults from any thread.
final class Seen: Sendable {
    private let list = Mutex<[(fault: JQFault, isClient: Bool)]>([])

    func add(_ fault: JQFault, _ isClient: Bool) {
        self.list.withLock { $0.append((fault, isClient)) }
    }

    var faults: [JQFault] { self.list.withLock { $0.map(\.fault) } }
}
