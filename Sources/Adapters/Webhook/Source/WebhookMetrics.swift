import BridgeCore
import NIOHTTP1

/// How many requests a webhook source has answered, by status.
///
/// The metrics are looked up once: a request costs one increment.
struct WebhookMetrics: Sendable {
    private static let statuses: [HTTPResponseStatus] = [
        .ok, .created, .badRequest, .unauthorized, .forbidden, .methodNotAllowed, .payloadTooLarge, .unsupportedMediaType,
        .tooManyRequests,
        .serviceUnavailable,
        .loopDetected,
    ]

    private let counters: [UInt: Counter]

    init(_ metrics: ComponentMetrics) {
        self.counters = Dictionary(
            uniqueKeysWithValues: Self.statuses.map { status in
                (
                    status.code,
                    metrics.counter("webhook_requests", help: "Requests by answer.", [("status", String(status.code))])
                )
            }
        )
    }

    func answered(_ status: HTTPResponseStatus) {
        guard let counter = self.counters[status.code] else {
            preconditionFailure("a webhook source does not answer \(status.code)")
        }
        counter.increment()
    }
}
