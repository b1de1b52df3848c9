import BridgeTesting
import Synchronization

/// Reads the model's JSON of copies, each text once.
///
/// Thread-safe.
final class EventTexts: Sendable {
    private let known = Mutex<[String: Reconciliation.Arrival]>([:])

    /// The message and the id in a text; what is no event is shown as it is.
    func arrival(of text: String) -> Reconciliation.Arrival {
        self.known.withLock { known in
            if let arrival = known[text] { return arrival }
            let event = try? ReceivedEvent.all([text]).first
            let arrival = event.map { Reconciliation.Arrival(text: $0.message, id: $0.id) } ?? .init(text: text, id: "")
            known[text] = arrival
            return arrival
        }
    }
}
