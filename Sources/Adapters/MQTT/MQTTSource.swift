package import BridgeCore
import PollThread
import Synchronization

/// Receives messages of the subscribed topics from a broker; MQTT 3.1.1 or 5, quality of service 0 and 1.
///
/// At QoS 1 a message is acknowledged to the broker (PUBACK) only once it is safe by the source's `ack:`.
package struct MQTTSource: Source {
    /// `mqtt`.
    package static let kind: ComponentKind = "mqtt"

    private let configuration: Configuration
    private let context: ComponentContext
    private let counters: Counters
    private let history: History

    /// Makes a source that connects when it runs.
    package init(configuration: Configuration, context: ComponentContext) throws {
        self.configuration = configuration
        self.context = context
        self.history = History(
            retained: MQTTRetainedCursors(configuration: configuration, context: context),
            offline: OfflineTracker(context, peer: configuration.connection.address.description)
        )
        self.counters = Counters(
            ignored: context.metrics.counter(
                "mqtt_retained_ignored", help: "Retained messages that were ignored because of retained: ignore or first_time."
            ),
            copies: context.metrics.counter(
                "mqtt_copies_dropped", help: "Second copies of a message that matches several filters of the source."
            ),
            feedback: context.metrics.counter(
                "mqtt_feedback", help: "Times that a topic was slowed because of a feedback loop."
            )
        )
    }

    /// Connects, subscribes and receives on its own thread until stopping.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or ends; `CancellationError`.
    package func run(_ outlet: SourceOutlet) async throws {
        try await PollThread.run("mqtt-\(self.context.name)", for: self.configuration.connection.address) { thread in
            self.history.retained.restore()
            outlet.onChange { thread.wake() }
            defer { outlet.onChange(nil) }
            let session = MQTTSourceSession(
                configuration: self.configuration, context: self.context, counters: self.counters, history: self.history,
                outlet: outlet, thread: thread
            )
            try await self.history.offline.track { try await session.run() }
            try await self.history.retained.finish(outlet)
        }
    }

    /// Metrics in addition to the engine's.
    struct Counters: Sendable {
        let ignored: Counter
        let copies: Counter
        let feedback: Counter
    }

    /// State that one `run` passes to the next.
    final class History: Sendable {
        /// The messages that `retained: first_time` has seen.
        let retained: MQTTRetainedCursors
        let packets = MQTTDuplicateDetector()
        let takeovers = MQTTTakeoverDetector()
        /// State that one connection passes to the next.
        let carried = Mutex(MQTTSourceStateMachine.Carried())
        /// How long there was no connection before this one, also across restarts.
        let offline: OfflineTracker

        init(retained: MQTTRetainedCursors, offline: OfflineTracker) {
            self.retained = retained
            self.offline = offline
        }
    }
}

extension MQTTSource: StagedComponent {
    /// Continues with what the predecessor has received and not acknowledged: the broker sends that again.
    package func activate(succeeding predecessor: (any Component)?) {
        guard let predecessor = predecessor as? MQTTSource else { return }
        self.history.packets.adopt(predecessor.history.packets)
    }

    /// Does nothing; a source shares nothing.
    package func retire() {}
}

extension MQTTSource: ReachableComponent {
    /// The broker.
    package var peers: [PeerAddress] {
        [PeerAddress(host: self.configuration.connection.address.host, port: self.configuration.connection.address.port)]
    }
}
