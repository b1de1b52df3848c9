package import BridgeCore
import PollThread

/// Publishes events to a broker; MQTT 3.1.1 or 5, quality of service 0 and 1.
///
/// At QoS 1 a delivery is confirmed when the broker has acknowledged it (PUBACK), at QoS 0 when its bytes are written.
package struct MQTTSink: Sink {
    /// `mqtt`.
    package static let kind: ComponentKind = "mqtt"

    /// The user property that is the same for every attempt at one delivery.
    static let idempotencyProperty = "idempotency-key"

    private let variants: [Configuration]
    private let context: ComponentContext
    private let poison = PoisonMessageDetector()
    private let takeovers = MQTTTakeoverDetector()
    private let answerLimit: Duration

    /// Makes a sink that connects when it runs.
    ///
    /// - Parameter variants: the configured settings first, then those changed by routes; never empty.
    package init(variants: [Configuration], context: ComponentContext) throws {
        self.init(variants: variants, context: context, answerLimit: .seconds(30))
    }

    /// - Parameter answerLimit: how long the broker may leave all messages unanswered.
    init(variants: [Configuration], context: ComponentContext, answerLimit: Duration) {
        self.variants = variants
        self.context = context
        self.answerLimit = answerLimit
    }

    /// The templates of each variant, in the order of the variants.
    package var templates: [[Template]] { self.variants.map(\.templates) }

    /// Connects and publishes on its own thread until stopping.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or ends; `CancellationError`.
    package func run(_ inlet: SinkInlet) async throws {
        try await PollThread.run("mqtt-\(self.context.name)", for: self.variants[0].connection.address) { thread in
            inlet.onAvailable { thread.wake() }
            defer { inlet.onAvailable(nil) }
            try await MQTTSinkSession(
                variants: self.variants, context: self.context, poison: self.poison, takeovers: self.takeovers, inlet: inlet,
                thread: thread, answerLimit: self.answerLimit
            ).run()
        }
    }
}

extension MQTTSink: ReachableComponent {
    /// The broker.
    package var peers: [PeerAddress] {
        [PeerAddress(host: self.variants[0].connection.address.host, port: self.variants[0].connection.address.port)]
    }
}
