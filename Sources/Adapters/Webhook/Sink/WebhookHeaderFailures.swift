import BridgeCore
import Logging

/// Reports headers whose templates fail: the request goes without them.
///
/// Thread-safe.
struct WebhookHeaderFailures: Sendable {
    private let counter: Counter
    private let log: BurstLog

    init(_ context: ComponentContext) {
        self.counter = context.metrics.counter(
            "webhook_headers_failed", help: "Headers that were left out of a request because their templates failed.")
        self.log = BurstLog("Header left out because its template failed", logger: context.logger)
    }

    func note(_ header: String, _ event: Event, _ error: any Error) {
        self.counter.increment()
        self.log.note(["header": "\(header)", "event": "\(event.id)", "error": "\(error)"])
    }
}
