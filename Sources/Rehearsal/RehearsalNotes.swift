import BridgeCore
import Logging
import Synchronization

/// Collects what components log about the events of a rehearsal.
///
/// Thread-safe.
package final class RehearsalNotes: Sendable {
    /// More lines are not kept.
    private static let limit = 1000

    private let lines = Mutex<[String]>([])

    /// Takes the lines since the last call: each has the component's name, the message and its facts.
    package func take() -> [String] {
        self.lines.withLock { lines in
            defer { lines.removeAll() }
            return lines
        }
    }

    /// A logger whose warnings are collected.
    func logger(_ component: String) -> Logger {
        Logger(label: component) { _ in Handler(notes: self, component: component) }
    }

    private struct Handler: LogHandler {
        let notes: RehearsalNotes
        let component: String
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            // The id and the number say nothing here.
            let facts = (event.metadata ?? [:]).filter { !["event", "count"].contains($0.key) }.sorted { $0.key < $1.key }
            let text = facts.map { "; \($0.key): \($0.value)" }.joined()
            self.notes.lines.withLock { lines in
                if lines.count < RehearsalNotes.limit { lines.append("\(self.component): \(event.message)\(text)") }
            }
        }
    }
}
