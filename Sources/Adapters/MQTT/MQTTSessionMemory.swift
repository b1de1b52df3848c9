import BridgeCore
import Logging

/// Remembers which filters the broker's session holds, so that those which left the file can be unsubscribed from.
struct MQTTSessionMemory {
    private static let limit = 4096
    let context: ComponentContext

    /// Makes `filters` the remembered ones.
    ///
    /// - Returns: those that were remembered and are no longer wanted.
    func replace(with filters: [String]) throws -> [String] {
        let old = self.context.cursors.cursor(of: self.context.name).map {
            $0.split(separator: "\n").map(String.init)
        }
        let text = filters.joined(separator: "\n")
        if text.utf8.count > Self.limit {
            self.context.logger.info(
                "Too many filters to remember: those that leave the file stay subscribed until the session expires",
                metadata: ["bytes": "\(text.utf8.count)"]
            )
        } else if old != filters {
            try self.context.cursors.move(text, of: self.context.name)
        }
        return (old ?? []).filter { !filters.contains($0) }
    }
}
